"""Extending a picture: to a side, all around, to a square or to any shape."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.types import CallbackQuery, Update

from bot.jobs import cards
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, known_card
from bot.jobs.ordering import Order, order_picture
from bot.jobs.ownership import ordering_once, own_draft
from bot.modes import area_buttons, works
from bot.modes.canvas import NothingToAdd, Wanted, extended, most_side, wish, with_ratio
from bot.modes.composition import Wish, need
from bot.modes.framing import outpaint
from bot.modes.repaint import own_words
from bot.modes.ticks import tick
from bot.prompt import MAX_RATIO as MOST
from bot.prompt import BadValue, parse
from bot.store import Given, Person
from bot.telegram.callbacks import FrameButton
from bot.texts.i18n import _


async def begin(desk: Desk, origin: Origin, person: Person, given: Given, words: str) -> None:
    """Extends a picture as the words say, or asks which way. Raises REFUSALS."""
    need(await known_card(desk.queue), "outpaint")
    way, rest = wish(words)
    line = parse(rest, "outpaint")
    if isinstance(way, tuple) and max(way) > MOST * min(way):
        raise BadValue("ar", f"{way[0]}:{way[1]}")
    to = way or line.ar
    if to is not None:
        await order(desk, origin, person, given, to, rest)
        return
    body = {"given": given.model_dump(mode="json"), "words": rest}
    draft = await desk.history.sources.add_draft(origin.owner_id, origin.chat_id, "frame", body)
    text = "↔️ " + _("Which way shall I extend the picture?")
    if rest:
        text += "\n" + cards.quote(rest)
    square = given.source.width != given.source.height
    await desk.deliveries.say(origin, text, area_buttons.ways(draft.id, square=square))


async def order(
    desk: Desk,
    origin: Origin,
    person: Person,
    given: Given,
    way: Wanted,
    words: str,
    key: str | None = None,
) -> None:
    """Without words the picture's own are used, if it is one of ours. Raises REFUSALS."""
    card = await known_card(desk.queue)
    size, most = (given.source.width, given.source.height), most_side(min(card.of("outpaint").native_size))
    try:
        canvas = with_ratio(size, way, most) if isinstance(way, tuple) else extended(size, way, most)
    except NothingToAdd:
        await desk.deliveries.say(origin, "👌 " + _("The picture has this shape already."))
        return
    line = parse(words, "outpaint")
    if not line.prompt:
        line = replace(line, prompt=await own_words(desk, given))
    made = outpaint(Wish(line, person.preferences, card, private=origin.private), given, canvas)
    unknown = card.unknown_words(line.prompt)
    await order_picture(desk, origin, Order(made, "outpaint", (given.parent,), key=key, unknown=unknown))


async def press(
    callback: CallbackQuery, callback_data: FrameButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """Extends one way. The buttons stay: another way makes another picture, the same one not before it has ended."""
    draft = await own_draft(callback, desk.history, callback_data.draft, "frame")
    if draft is None or callback.message is None:
        return
    if callback_data.way == "drop":
        await callback.answer()
        await desk.history.sources.change_draft(draft.id, closed=True)
        await desk.deliveries.gallery.withdraw(callback.message.chat.id, callback.message.message_id, draft.created_at)
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, desk.ledger, desk.deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        given = Given.model_validate(draft.body["given"])
        await order(desk, origin, person, given, callback_data.way, draft.body["words"], key)
        await tick(desk, key, person.id, origin.chat_id, origin.reply_to)


def build() -> Router:
    works.BEGIN["outpaint"] = begin
    router = Router(name="extend")
    router.callback_query.register(press, FrameButton.filter())
    return router
