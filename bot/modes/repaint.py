"""Repainting a part of a picture: paint over it and send it back, tap squares, or name a side; then say what to paint.

Everything said on the way is kept in a draft, so that it may take days and restarts.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiogram import F, Router
from aiogram.filters import BaseFilter
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InputMediaPhoto,
    Message,
    Update,
)

from bot.imaging.areas import cells_named, split_area
from bot.jobs.belonging import draft_asked_about, draft_shown
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, known_card
from bot.jobs.ordering import Order, order_picture
from bot.jobs.ownership import own_draft
from bot.jobs.questions import Question, ask_about
from bot.jobs.showing import reply_to
from bot.modes import works
from bot.modes.composition import Wish, need
from bot.modes.framing import inpaint
from bot.modes.repainting import Repaint, caption, keyboard, marked, unmarked
from bot.modes.wishes import understood
from bot.prompt import parse
from bot.store import Draft, Given, Person
from bot.telegram.callbacks import AreaButton
from bot.telegram.senders import mention, sender_of_message
from bot.texts.i18n import _
from inference.blobs import BlobMissing

HOUR = 3_600.0


async def begin(desk: Desk, origin: Origin, person: Person, given: Given, words: str) -> None:
    """Asks which part of a picture to repaint, or shows the one that the words name. Raises REFUSALS."""
    need(await known_card(desk.queue), "inpaint")
    named, rest = split_area(words)
    parse(rest, "inpaint")
    repaint = Repaint(given=given, words=rest, own_words=await own_words(desk, given))
    await show(desk, origin, repaint if named is None else repaint.with_cells(named))


async def show(desk: Desk, origin: Origin, repaint: Repaint, draft: Draft | None = None) -> None:
    """A new message with the picture and the area; whatever showed it before loses its buttons."""
    try:
        photo = await _photo(desk, repaint)
    except BlobMissing:
        await desk.deliveries.say(origin, _("The file of this picture is gone. Its recipe can draw it again: /info"))
        return
    if photo is None:
        await desk.deliveries.say(
            origin, _("That is the whole picture: nothing of it would stay. Choose a part of it.")
        )
        return
    sources = desk.history.sources
    body = repaint.model_dump(mode="json")
    if draft is None:
        draft = await sources.add_draft(origin.owner_id, origin.chat_id, "mask", body)
    else:  # before it is seen: its buttons may be pressed at once
        await sources.change_draft(draft.id, body=body)
    message = await desk.bot.send_photo(
        origin.chat_id,
        BufferedInputFile(photo, "area.jpg"),
        caption=caption(repaint, origin.private),
        parse_mode="HTML",
        reply_markup=keyboard(draft.id, repaint),
        reply_parameters=reply_to(origin.reply_to),
        message_thread_id=origin.thread,
        disable_notification=not origin.private,
    )
    left = await sources.place_draft(draft.id, message.message_id)
    if left is not None:
        await desk.bot.edit_message_reply_markup(chat_id=draft.chat_id, message_id=left)


async def own_words(desk: Desk, given: Given) -> str:
    """What a picture of ours was drawn from."""
    picture = await desk.history.picture(given.picture_id) if given.picture_id is not None else None
    return (await desk.deliveries.gallery.line(picture)).prompt if picture is not None else ""


async def order(desk: Desk, origin: Origin, person: Person, draft: Draft, repaint: Repaint, words: str) -> None:
    """Has the marked area repainted; the draft is done with. Raises REFUSALS."""
    card = await known_card(desk.queue)
    line = parse(words, "inpaint")
    area = await marked(repaint, desk.decoder)
    if area is None:
        await desk.deliveries.say(origin, _("Nothing of the area is left. Please mark it again."))
        return
    await desk.room.make(origin.owner_id, len(area.png))
    mask = await asyncio.to_thread(desk.blobs.put, area.png)
    made = inpaint(Wish(line, person.preferences, card, private=origin.private), repaint.given, mask)
    unknown = card.unknown_words(line.prompt)
    await order_picture(
        desk, origin, Order(made, "inpaint", (repaint.given.parent,), key=f"mask:{draft.id}", unknown=unknown)
    )
    await desk.history.sources.change_draft(draft.id, closed=True)
    if draft.message_id is not None:
        await desk.bot.edit_message_reply_markup(chat_id=draft.chat_id, message_id=draft.message_id)


# Words


class AboutArea(BaseFilter):
    """Words for a repaint in the making: in answer to one of its messages, or in private when it waits for words or
    when they name nothing but a side. Gives `draft`."""

    async def __call__(self, message: Message, desk: Desk) -> bool | dict[str, Any]:
        if not message.text or message.text.startswith("/"):
            return False
        draft = await draft_of(desk, message)
        return {"draft": draft} if draft is not None else False


async def draft_of(desk: Desk, message: Message) -> Draft | None:
    """The open draft that a text of its owner belongs to."""
    sender = sender_of_message(message)
    if sender is None or message.text is None:
        return None
    owner_id, chat_id, answered = sender.id, message.chat.id, message.reply_to_message
    sources = desk.history.sources
    if answered is not None:
        shown = await draft_shown(sources, answered, "mask")
        if shown is not None:
            return shown if shown.owner_id == owner_id and shown.closed_at is None else None
        return await draft_asked_about(sources, answered, "mask", owner_id)
    newest = await sources.open_draft(owner_id, chat_id, "mask", HOUR) if message.chat.type == "private" else None
    waits = newest is not None and (Repaint.of(newest).waits_for_words or cells_named(message.text) is not None)
    return newest if waits else None


async def words(message: Message, draft: Draft, person: Person, event_update: Update, desk: Desk) -> None:
    """A side, what to paint there, or both."""
    assert message.text is not None
    origin = Origin.of_message(message, event_update.update_id, person)
    async with desk.deliveries.one_press(f"mask:{draft.id}"):
        draft = await desk.history.sources.draft(draft.id) or draft  # a press may have changed it meanwhile
        repaint = Repaint.of(draft)
        named, rest = split_area(understood(message.text)[1])
        repaint = repaint.saying(rest)
        if named is None and repaint.marked:
            await order(desk, origin, person, draft, repaint, repaint.words)
        else:
            await show(desk, origin, repaint if named is None else repaint.with_cells(named), draft)


# Buttons


async def step(callback: CallbackQuery, callback_data: AreaButton, person: Person, desk: Desk) -> None:
    """Another square, another grid, a larger or a smaller area; shown in the same message."""
    async with desk.deliveries.one_press(f"mask:{callback_data.draft}"):
        draft = await own_draft(callback, desk.history, callback_data.draft, "mask")
        if draft is None or callback.message is None:
            return
        repaint = Repaint.of(draft)
        if not desk.history.sources.was_changed(draft):
            repaint = _stepped(repaint, callback_data)
        try:
            photo = await _photo(desk, repaint)
        except BlobMissing:
            await callback.answer(_("The file of this picture is gone."), show_alert=True)
            return
        if photo is None:
            await callback.answer(
                _("No further: some of the picture has to change, and some to stay."), show_alert=True
            )
            return
        await callback.answer()
        await desk.history.sources.change_draft(draft.id, body=repaint.model_dump(mode="json"))
        private = callback.message.chat.type == "private"
        await desk.bot.edit_message_media(
            InputMediaPhoto(
                media=BufferedInputFile(photo, "area.jpg"), caption=caption(repaint, private), parse_mode="HTML"
            ),
            chat_id=callback.message.chat.id,
            message_id=callback.message.message_id,
            reply_markup=keyboard(draft.id, repaint),
        )


async def go(
    callback: CallbackQuery, callback_data: AreaButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """Repaints the area, or first asks for words where there are none."""
    async with desk.deliveries.one_press(f"mask:{callback_data.draft}"):
        draft = await own_draft(callback, desk.history, callback_data.draft, "mask")
        if draft is None:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        repaint = Repaint.of(draft)
        wanted = (repaint.saying(repaint.own_words) if callback_data.action == "same" else repaint).words
        if parse(wanted, "inpaint").prompt:
            await order(desk, origin, person, draft, repaint, wanted)
            return
    called = "" if origin.private else mention(callback, origin.owner_id)
    asked = _("What shall be there? A few words will do: “a red balloon”.")
    await ask_about(desk, origin, Question(f"{called}🖌 {asked}", _("a red balloon")), draft)


async def drop(callback: CallbackQuery, callback_data: AreaButton, desk: Desk) -> None:
    draft = await own_draft(callback, desk.history, callback_data.draft, "mask")
    if draft is None or callback.message is None:
        return
    await callback.answer(_("Never mind. The picture stays as it is."))
    await desk.history.sources.change_draft(draft.id, closed=True)
    await desk.deliveries.gallery.withdraw(callback.message.chat.id, callback.message.message_id, draft.created_at)


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


async def _photo(desk: Desk, repaint: Repaint) -> bytes | None:
    """What to show: the picture with the area in it, or as it is while there is none; None for an impossible area."""
    if not repaint.marked:
        return await unmarked(repaint, desk.decoder)
    area = await marked(repaint, desk.decoder)
    return area.shown if area is not None else None


def build() -> Router:
    works.BEGIN["inpaint"] = begin
    router = Router(name="repaint")
    router.message.register(words, AboutArea())
    press = router.callback_query
    press.register(step, AreaButton.filter(F.action.in_({"cell", "grid", "bigger", "smaller"})))
    press.register(go, AreaButton.filter(F.action.in_({"go", "same"})))
    press.register(drop, AreaButton.filter(F.action == "drop"))
    return router
