"""Repainting a part of a picture: paint over it and send it back, tap squares, or name a side; then say what to paint.

Everything said on the way is kept in a draft, so that it may take days and restarts.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from aiogram import F, Router
from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery, Message

from bot.imaging.areas import cells_named, split_area
from bot.jobs import dialogs
from bot.jobs.belonging import draft_asked_about, draft_shown, standing_in
from bot.jobs.dialogs import spoken_to
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone
from bot.jobs.questions import Question, ask_about
from bot.jobs.studio import Studio
from bot.modes.base import need, own_words, show_menu
from bot.modes.intent import understood
from bot.modes.repaint.area_buttons import AreaButton
from bot.modes.repaint.composing import PARAMETERS, inpaint
from bot.modes.repaint.repainting import Repaint, caption, keyboard, marked, unmarked
from bot.prompt import PromptLine
from bot.prompt.stored import Said
from bot.store import Draft, Given, Person
from bot.telegram.screen import Photo, Screen, put, send
from bot.telegram.senders import mention, sender_of_message
from bot.texts.i18n import _
from inference.blobs import BlobMissing

HOUR = 3_600.0


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    """Asks which part of a picture to repaint, or shows the one that the words name. Raises REFUSALS."""
    need(await known_card(studio.queue), "inpaint")
    named, rest = split_area(words)
    said = Said.of(rest, PARAMETERS)
    repaint = Repaint(given=given, words=said, own_words=await own_words(studio, given))
    await show(studio, origin, repaint if named is None else repaint.with_cells(named))


async def show(studio: Studio, origin: Origin, repaint: Repaint, draft: Draft | None = None) -> None:
    """A new message with the picture and the area; whatever showed it before loses its buttons."""
    try:
        photo = await _photo(studio, repaint)
    except BlobMissing:
        await studio.deliveries.say(origin, _("The file of this picture is gone. Its recipe can draw it again: /info"))
        return
    if photo is None:
        await studio.deliveries.say(
            origin, _("That is the whole picture: nothing of it would stay. Choose a part of it.")
        )
        return
    sources = studio.history.sources
    body = repaint.model_dump(mode="json")
    if draft is None:
        draft = await sources.add_draft(origin.owner_id, origin.chat_id, "mask", body)
    else:  # before it is seen: its buttons may be pressed at once
        await sources.change_draft(draft.id, body=body)
    await studio.history.dialogs.listen(draft)
    message = await send(studio.bot, origin.place, _screen(repaint, draft, photo, private=origin.private))
    left = await sources.place_draft(draft.id, message.message_id)
    if left is not None:
        await dialogs.take_buttons(studio, draft, left)


async def order(
    studio: Studio, origin: Origin, person: Person, draft: Draft, repaint: Repaint, line: PromptLine
) -> None:
    """Has the marked area repainted; the draft is done with. Raises REFUSALS."""
    area = await marked(repaint, studio.decoder)
    if area is None:
        await studio.deliveries.say(origin, _("Nothing of the area is left. Please mark it again."))
        return
    await studio.room.make(origin.owner_id, len(area.png))
    mask = await asyncio.to_thread(studio.blobs.put, area.png)
    made = inpaint(await asked_by(studio, origin, person, line), repaint.given, mask)
    await order_or_ask(studio, origin, made, parents=(repaint.given.parent,), key=f"mask:{draft.id}")
    await studio.history.sources.change_draft(draft.id, closed=True)
    if draft.message_id is not None:
        await dialogs.take_buttons(studio, draft, draft.message_id)


# Words


class AboutArea(BaseFilter):
    """Words for a repaint in the making: in answer to one of its messages, or in private when it is the open dialog and
    an area is marked, or they name nothing but one. Gives `draft`."""

    async def __call__(self, message: Message, studio: Studio, dialog: Draft | None = None) -> bool | dict[str, Any]:
        if not message.text or message.text.startswith("/"):
            return False
        draft = await draft_of(studio, message, dialog)
        return {"draft": draft} if draft is not None else False


async def draft_of(studio: Studio, message: Message, dialog: Draft | None) -> Draft | None:
    """The open draft that a text of its owner belongs to, `dialog` being the one that listens."""
    sender = sender_of_message(message)
    if sender is None or message.text is None:
        return None
    owner_id, answered = sender.id, message.reply_to_message
    sources = studio.history.sources
    if answered is not None:
        shown = await draft_shown(sources, answered, "mask")
        if shown is not None:
            return shown if shown.owner_id == owner_id and shown.closed_at is None else None
        return await draft_asked_about(sources, answered, "mask", owner_id)
    open_ = spoken_to(message, "mask", dialog)
    waits = open_ is not None and (Repaint.of(open_).marked or cells_named(message.text) is not None)
    return open_ if waits else None


async def words(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """A side, what to paint there, or both."""
    assert message.text is not None
    async with studio.one_press(f"mask:{draft.id}"):
        draft = await studio.history.sources.draft(draft.id) or draft  # a press may have changed it meanwhile
        repaint = Repaint.of(draft)
        named, rest = split_area(understood(message.text, studio.modes)[1])
        repaint = repaint.saying(Said.of(rest, PARAMETERS))
        if named is None and repaint.marked:
            await order(studio, origin, person, draft, repaint, repaint.words.line)
        else:
            await show(studio, origin, repaint if named is None else repaint.with_cells(named), draft)


# Buttons


async def step(callback: CallbackQuery, callback_data: AreaButton, draft: Draft, studio: Studio) -> None:
    """Another square, another grid, a larger or a smaller area; shown in the same message."""
    assert callback.message is not None
    repaint = Repaint.of(draft)
    if not studio.history.sources.was_changed(draft):
        repaint = _stepped(repaint, callback_data)
    try:
        photo = await _photo(studio, repaint)
    except BlobMissing:
        await callback.answer(_("The file of this picture is gone."), show_alert=True)
        return
    if photo is None:
        await callback.answer(_("No further: some of the picture has to change, and some to stay."), show_alert=True)
        return
    await callback.answer()
    await studio.history.sources.change_draft(draft.id, body=repaint.model_dump(mode="json"))
    await studio.history.dialogs.listen(draft)
    chat = callback.message.chat
    screen = _screen(repaint, draft, photo, private=chat.type == "private")
    await put(studio.bot, chat.id, callback.message.message_id, screen)


async def go(
    callback: CallbackQuery, callback_data: AreaButton, draft: Draft, person: Person, studio: Studio, origin: Origin
) -> None:
    """Repaints the area, or first asks for words where there are none."""
    async with studio.one_press(f"mask:{draft.id}"):  # let go of before asking: the answer may be there before we are
        now = await studio.history.sources.draft(draft.id)
        if now is None or now.closed_at is not None:
            await gone(callback)
            return
        await callback.answer()
        draft = standing_in(now, callback.message)
        repaint = Repaint.of(draft)
        if callback_data.action == "same":
            repaint = repaint.saying(Said.of(repaint.own_words, PARAMETERS))
        wanted = repaint.words.line
        if wanted.prompt:
            await order(studio, origin, person, draft, repaint, wanted)
            return
    called = "" if origin.private else mention(callback, origin.owner_id)
    asked = _("What shall be there? A few words will do: “a red balloon”.")
    await ask_about(studio, origin, Question(f"{called}🖌 {asked}", _("a red balloon")), draft)


async def drop(callback: CallbackQuery, draft: Draft, studio: Studio) -> None:
    await callback.answer(_("Never mind. The picture stays as it is."))
    await dialogs.drop(studio, draft, callback.message)


async def another(callback: CallbackQuery, draft: Draft, studio: Studio, origin: Origin) -> None:
    """What was read as a painted copy is a picture of its own: here is its menu, and the area is forgotten."""
    copy = Repaint.of(draft).copy_given
    if copy is None:
        await gone(callback)
        return
    await callback.answer()
    card = callback.message
    sent = card.reply_to_message if isinstance(card, Message) else None
    await show_menu(studio, replace(origin, reply_to=sent.message_id if sent is not None else None), copy)
    await studio.history.sources.change_draft(draft.id, closed=True)
    if card is not None:
        await dialogs.take_back(studio, draft, card.message_id)


def _stepped(repaint: Repaint, press: AreaButton) -> Repaint:
    match press.action:
        case "grid":
            return (
                repaint.model_copy(update={"grid": press.cell})
                if repaint.painted
                else repaint.with_cells((), press.cell)
            )
        case "cell" if press.cell < repaint.grid**2:
            cells = set() if repaint.painted else set(repaint.cells)
            return repaint.with_cells(cells ^ {press.cell}, repaint.grid)
        case "bigger":
            return repaint.model_copy(update={"steps": repaint.steps + 1})
        case "smaller":
            return repaint.model_copy(update={"steps": repaint.steps - 1})
    return repaint


def _screen(repaint: Repaint, draft: Draft, photo: bytes, *, private: bool) -> Screen:
    return Screen(caption(repaint, private), keyboard(draft.id, repaint), Photo(photo, "area.jpg"))


async def _photo(studio: Studio, repaint: Repaint) -> bytes | None:
    """What to show: the picture with the area in it, or as it is while there is none; None for an impossible area."""
    if not repaint.marked:
        return await unmarked(repaint, studio.decoder)
    area = await marked(repaint, studio.decoder)
    return area.shown if area is not None else None


def build() -> Router:
    router = Router(name="repaint")
    router.message.register(words, AboutArea())
    press = router.callback_query
    press.register(step, AreaButton.filter(F.action.in_({"cell", "grid", "bigger", "smaller"})))
    press.register(go, AreaButton.filter(F.action.in_({"go", "same"})))
    press.register(drop, AreaButton.filter(F.action == "drop"))
    press.register(another, AreaButton.filter(F.action == "new"))
    return router
