"""Buttons under a mix that is being put together."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.types import CallbackQuery, Update

from bot.jobs.desk import Desk
from bot.jobs.intake import Origin
from bot.jobs.ownership import own_draft
from bot.modes import mixing
from bot.modes.mixing import STEP, Mixture
from bot.store import Person
from bot.telegram.callbacks import MixButton
from bot.texts.i18n import _


async def press(
    callback: CallbackQuery, callback_data: MixButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """One step; a mix that has been ordered or given up answers that it is over."""
    async with desk.deliveries.one_press(f"mix:{callback_data.draft}"):
        over = _("This mix is over. Send pictures for a new one.")
        draft = await own_draft(callback, desk.history, callback_data.draft, "mix", over=over)
        if draft is None:
            return
        mixture = Mixture.of(draft)
        place = callback_data.place
        match callback_data.action:
            case "done" if len(mixture.pictures) > 1:
                await mixing.change(desk, draft, replace(mixture, collecting=False))
            case "less" | "more" if place < len(mixture.pictures):
                step = STEP if callback_data.action == "more" else -STEP
                await mixing.change(desk, draft, mixture.weighed(place, step))
            case "swap":
                await mixing.change(desk, draft, mixture.swapped())
            case "start" if not any(mixture.weights):
                await callback.answer(_("Give at least one picture some weight."), show_alert=True)
            case "start":
                origin = Origin.of_press(callback, event_update.update_id, person)
                await mixing.order(desk, origin, person, draft)
            case "drop":
                await callback.answer(_("Never mind, then."))
                await mixing.close(desk, draft)
            case _:
                await callback.answer(_("Send me one more picture first."), show_alert=True)


def build() -> Router:
    router = Router(name="mix")
    router.callback_query.register(press, MixButton.filter())
    return router
