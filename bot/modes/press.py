"""Buttons that make something out of a picture, and the yes or no to what it costs."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.jobs.compose import missing
from bot.jobs.mode import Pressed, offered
from bot.jobs.order import composed_from, known_card, order_of
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone, in_line_already
from bot.jobs.studio import Studio
from bot.jobs.used_buttons import tick
from bot.store import Draft, Given, Person, StoredPicture
from bot.telegram.callbacks import OrderButton, SourceButton
from bot.telegram.screen import Screen, edit
from bot.telegram.senders import mention
from bot.texts.i18n import _


async def press(
    callback: CallbackQuery,
    callback_data: SourceButton,
    given: Given,
    person: Person,
    studio: Studio,
    origin: Origin,
) -> None:
    """Begins what the button says, once while it waits; where the weights are missing it says which."""
    action = studio.modes.action(callback_data.action)
    if action is None:
        await gone(callback)
        return
    card = await known_card(studio.queue)
    if not offered(card, action.served_by):
        raise missing(card, action.served_by)
    key = callback_data.pack()
    pressed = Pressed(person, given, key, "" if origin.private else mention(callback, origin.owner_id))
    if not action.orders:
        await callback.answer()
        await action.run(studio, origin, pressed)
    elif not await in_line_already(callback, studio, person, key, answering=False):
        await action.run(studio, origin, pressed)
        await tick(studio, key, person.id, origin.chat_id, origin.reply_to)


async def fold(
    callback: CallbackQuery, callback_data: SourceButton, studio: Studio, picture: StoredPicture | None = None
) -> None:
    """Unfolds the rarer buttons under a picture, or folds them again."""
    if picture is None:  # nothing unfolds under what somebody gave
        await gone(callback)
        return
    await callback.answer()
    await studio.deliveries.gallery.rekey(callback.message, picture, more=callback_data.action == "more")


async def answer(
    callback: CallbackQuery, callback_data: OrderButton, draft: Draft, person: Person, studio: Studio, origin: Origin
) -> None:
    """Yes or no to long work, once."""
    starts = callback_data.action == "start"
    if starts:
        await order_of(studio, origin, draft)
        said = "▶️ " + _("It is in line.")
    else:
        said = "✖️ " + _("Never mind, then.")
    await studio.history.sources.change_draft(draft.id, closed=True)
    made = composed_from(draft.body)
    wish = studio.modes.wish(made.request, made.line.prompt)
    message_id = draft.message_id if callback.message is None else callback.message.message_id
    assert message_id is not None
    await studio.bot(edit(origin.chat_id, message_id, Screen(f"{said}\n{wish}")))
    if starts:
        await tick(studio, draft.body["key"], person.id, origin.chat_id, draft.body.get("under"))


def build() -> Router:
    router = Router(name="works")
    router.callback_query.register(fold, SourceButton.filter(F.action.in_({"more", "less"})))
    router.callback_query.register(press, SourceButton.filter())
    router.callback_query.register(answer, OrderButton.filter())
    return router
