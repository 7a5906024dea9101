"""Buttons of a mix that is being put together."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.jobs.dialogs import drop
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.mix import mixing
from bot.modes.mix.buttons import MixButton
from bot.modes.mix.mixing import STEP, Mixture
from bot.store import Draft, Person
from bot.texts.i18n import _


async def press(
    callback: CallbackQuery, callback_data: MixButton, draft: Draft, person: Person, studio: Studio, origin: Origin
) -> None:
    """One step."""
    mixture, place = Mixture.of(draft), callback_data.place
    match callback_data.action:
        case "done" if len(mixture.pictures) > 1:
            await mixing.change(studio, draft, replace(mixture, collecting=False))
        case "less" | "more" if place < len(mixture.pictures) > 1:
            step = STEP if callback_data.action == "more" else -STEP
            await mixing.change(studio, draft, mixture.weighed(place, step))
        case "swap":
            await mixing.change(studio, draft, mixture.swapped())
        case "start" if not any(mixture.weights):
            await callback.answer(_("Give at least one picture some weight."), show_alert=True)
        case "start":
            await mixing.order(studio, origin, person, draft)
        case "drop":
            await callback.answer(_("Never mind, then."))
            await drop(studio, draft, callback.message)
        case _:
            await callback.answer(_("Send me one more picture first."), show_alert=True)


def build() -> Router:
    router = Router(name="mix")
    router.callback_query.register(press, MixButton.filter())
    return router
