"""Buttons under what found no room: take it when there is some, or never mind."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.jobs.kept import Ask, Kept, forget, lock_of, screen
from bot.jobs.order import order_kept
from bot.jobs.refusals import told
from bot.jobs.studio import Studio
from bot.store import Draft
from bot.store.handling import decided
from bot.telegram.callbacks import KeptButton
from bot.telegram.screen import edit
from bot.texts.errors import ToldError
from bot.texts.i18n import _, ngettext
from inference.queue.jobs import Refused


async def press(callback: CallbackQuery, callback_data: KeptButton, draft: Draft, studio: Studio) -> None:
    """Takes as many as there is room for, in the order in which they were asked for; the card keeps the others."""
    async with studio.one_press(lock_of(draft.owner_id, draft.chat_id)):
        if callback_data.action == "drop":
            await callback.answer()
            await forget(studio, draft, "✖️ " + _("Never mind, then."))
            return
        draft = await studio.history.sources.draft(draft.id) or draft  # as it is once the lock is held
        kept = Kept.model_validate(draft.body)
        asks, refusal = await _taken(studio, draft, kept.asks)
        taken = await decided("taken", len(kept.asks) - len(asks))
        left = kept.model_copy(update={"asks": asks, "why": refusal or kept.why})
        body = left.model_dump(mode="json")
        await studio.history.sources.note_in_draft(draft.id, asks=body["asks"], why=body["why"])
        said = ngettext("{n} request is in line.", "{n} requests are in line.", taken).format(n=taken)
        await callback.answer(said if taken else refusal, show_alert=not taken)
        if not left.asks:
            await forget(studio, draft, "▶️ " + said)
        elif taken and draft.message_id is not None:
            await studio.bot(edit(draft.chat_id, draft.message_id, screen(draft.id, left)))


async def _taken(studio: Studio, draft: Draft, asks: Sequence[Ask]) -> tuple[tuple[Ask, ...], str]:
    """Orders what there is room for; what is left, and why. What cannot be drawn now keeps no other from its turn."""
    left: list[Ask] = []
    refusal = ""
    for place, ask in enumerate(asks):
        try:
            await order_kept(studio, ask, draft)
        except Refused as full:
            return (*left, *asks[place:]), told(studio.modes, full)
        except ToldError as misfit:
            left.append(ask)
            refusal = misfit.told()
    return tuple(left), refusal


def build() -> Router:
    router = Router(name="kept")
    router.callback_query.register(press, KeptButton.filter())
    return router
