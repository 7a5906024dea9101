"""Extending a picture: to a side, all around, to a square or to any shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiogram import Router
from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.jobs.dialogs import drop
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already
from bot.jobs.questions import AnswersDraft
from bot.jobs.shown import with_ticks
from bot.jobs.studio import Studio
from bot.jobs.used_buttons import tick
from bot.modes.base import need, own_wish
from bot.modes.extend.buttons import FrameButton, ways
from bot.modes.extend.canvas import NothingToAdd, Wanted, extended, most_side, read_direction, with_ratio
from bot.modes.extend.composing import PARAMETERS, outpaint
from bot.prompt import MAX_RATIO as MOST
from bot.prompt import BadValue, PromptError, PromptLine
from bot.prompt.stored import Said
from bot.store import Draft, Given, Person
from bot.telegram.screen import Screen, send
from bot.texts.html import quote
from bot.texts.i18n import _


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    """Extends a picture as the words say, or asks which way. Raises REFUSALS."""
    need(await known_card(studio.queue), "outpaint")
    way, rest = read_direction(words)
    said = Said.of(rest, PARAMETERS)
    if isinstance(way, tuple) and max(way) > MOST * min(way):
        raise BadValue("ar", f"{way[0]}:{way[1]}")
    to = way or said.line.ar
    if to is not None:
        await order(studio, origin, person, given, to, said.line)
        return
    body = {"given": given.model_dump(mode="json"), "words": said.model_dump(mode="json")}
    draft = await studio.history.sources.add_draft(origin.owner_id, origin.chat_id, "frame", body)
    await studio.history.dialogs.listen(draft)
    text = "↔️ " + _("Which way shall I extend the picture? Tap an arrow, or say it: “left by 50%”.")
    if rest:
        text += "\n" + quote(rest)
    square = given.source.width != given.source.height
    message = await send(studio.bot, origin.place, Screen(text, ways(draft.id, square=square)))
    await studio.history.sources.place_draft(draft.id, message.message_id)


async def order(
    studio: Studio,
    origin: Origin,
    person: Person,
    given: Given,
    way: Wanted,
    line: PromptLine,
    key: str | None = None,
) -> None:
    """Without words the picture's own are used, if it is one of ours. Raises REFUSALS."""
    card = await known_card(studio.queue)
    size, most = (given.source.width, given.source.height), most_side(min(card.of("outpaint").native_size))
    try:
        canvas = with_ratio(size, way, most) if isinstance(way, tuple) else extended(size, way, most)
    except NothingToAdd as refusal:
        await studio.deliveries.say(origin, refusal.told())
        return
    if not line.prompt:
        line = replace(line, prompt=(await own_wish(studio, given)).prompt)
    made = outpaint(await asked_by(studio, origin, person, line), given, canvas)
    await order_or_ask(studio, origin, made, parents=(given.parent,), key=key)


class SaysDirection(BaseFilter):
    """A way for the picture that we have asked about, said instead of tapped. Gives `draft`."""

    async def __call__(self, message: Message, studio: Studio, dialog: Draft | None = None) -> bool | dict[str, Any]:
        answers = await AnswersDraft("frame")(message, studio, dialog)
        if not answers or message.reply_to_message is not None:
            return answers
        try:
            said = read_direction(message.text or "")[0] is not None
        except PromptError:
            said = True
        return answers if said else False


async def said(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """Extends the way that was said; words after it say what shall be there."""
    if draft.closed_at is not None:
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    way, rest = read_direction(message.text or "")
    if way is None:
        await studio.deliveries.say(origin, _("I do not know this way. Say a side: “left”, “up by 30%”, “square”."))
        return
    line = Said.of(rest, PARAMETERS).line if rest else said_of(draft).line
    await order(studio, origin, person, Given.model_validate(draft.body["given"]), way, line)


async def press(
    callback: CallbackQuery, callback_data: FrameButton, draft: Draft, person: Person, studio: Studio, origin: Origin
) -> None:
    """Extends one way. The buttons stay: another way makes another picture, the same one not before it has ended."""
    if callback_data.way == "drop":
        await callback.answer()
        await drop(studio, draft, callback.message)
        return
    key = callback_data.pack()
    if await in_line_already(callback, studio, person, key):
        return
    given = Given.model_validate(draft.body["given"])
    await order(studio, origin, person, given, callback_data.way, said_of(draft).line, key)
    await tick(studio, key, person.id, origin.chat_id, origin.reply_to)


def said_of(draft: Draft) -> Said:
    """What was said with a picture whose way is still to be chosen. Raises PromptError."""
    return Said.read(draft.body["words"], PARAMETERS)


async def keyboard(studio: Studio, button: FrameButton, owner_id: int) -> InlineKeyboardMarkup | None:
    """What stands where a way was pressed, with ticks on those that were ordered; None where nothing does any more."""
    draft = await studio.history.sources.draft(button.draft)
    if draft is None or draft.closed_at is not None:
        return None
    source = Given.model_validate(draft.body["given"]).source
    return await with_ticks(studio.history, ways(draft.id, square=source.width != source.height), owner_id)


def build() -> Router:
    router = Router(name="extend")
    router.message.register(said, SaysDirection())
    router.callback_query.register(press, FrameButton.filter())
    return router
