"""Buttons that make something out of a picture, and the yes or no to what it costs."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery, Update

from bot.jobs import cards, ordering
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, known_card
from bot.jobs.ordering import Order, order_picture
from bot.jobs.ownership import gone, ordering_once, own_draft, own_picture
from bot.jobs.showing import keyboard_of
from bot.modes import composition, works
from bot.modes.composition import STRENGTHS, Wish
from bot.modes.pictures_in import given_picture, given_upload
from bot.modes.ticks import tick
from bot.prompt import Command, PromptLine
from bot.prompt.styles import PLAIN_STYLE
from bot.store import Given, Person
from bot.telegram.callbacks import OrderButton, SourceButton
from bot.telegram.senders import mention
from bot.texts.i18n import _
from inference.requests import Refine, TextToImage

_ASKS_FIRST: dict[str, Command] = {"inpaint": "inpaint", "outpaint": "outpaint", "mix": "mix"}
_NEEDS_WORDS: dict[str, Command] = {"restyle": "restyle", "control": "control"}


async def press(
    callback: CallbackQuery, callback_data: SourceButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """Begins what the button says, once while it waits; where the weights are missing it says which."""
    given = await _given(callback, callback_data, desk)
    if given is None:
        return
    action = callback_data.action
    origin = Origin.of_press(callback, event_update.update_id, person)
    card = await known_card(desk.queue)
    served = {"subtle": "vary", "strong": "vary", "redraw": "refine"}.get(action, action)
    if not composition.offered(card, served):
        composition.need(card, composition.SERVED_BY[served][0])  # says what is missing
    if action in _NEEDS_WORDS:
        called = "" if origin.private else mention(callback, origin.owner_id)
        await callback.answer()
        await works.ask_for_words(desk, origin, _NEEDS_WORDS[action], given, called)
        return
    key = callback_data.pack()
    if action in _ASKS_FIRST:
        async with desk.deliveries.one_press(key):
            await callback.answer()
            await works.begin(desk, origin, person, _ASKS_FIRST[action], given, "")
        return
    async with ordering_once(callback, person, key, desk.ledger, desk.deliveries) as free:
        if free:
            await _order(desk, origin, person, action, given, key)
            await tick(desk, key, person.id, origin.chat_id, origin.reply_to)


async def _order(desk: Desk, origin: Origin, person: Person, action: str, given: Given, key: str) -> None:
    """What needs no more than the picture and the words that it was drawn from."""
    card = await known_card(desk.queue)
    line = await _own_line(desk, given)
    if action in ("refine", "redraw"):
        line = await _same_recipe(desk, given, line)
    wish = Wish(line, person.preferences, card, origin.private)
    match action:
        case "vary" | "subtle" | "strong":
            made = composition.vary(wish, given, "strong" if action == "strong" else "subtle")
            order = Order(made, "vary", (given.parent,), key)
        case "refine" | "redraw":
            strength = STRENGTHS["subtle" if action == "refine" else "strong"]
            order = Order(composition.refine(wish, given, strength), "refine", (given.parent,), key)
            if await _point_to_same(desk, origin, order):
                return
        case "x2" | "big":
            order = Order(
                composition.upscale(wish, given, "x2" if action == "x2" else "big"), "upscale", (given.parent,), key
            )
        case _:
            raise TypeError(f"nothing is done by {action}")
    await order_picture(desk, origin, order)


async def _own_line(desk: Desk, given: Given) -> PromptLine:
    """The words and the style of a picture of ours; none of a given one."""
    picture = await desk.history.picture(given.picture_id) if given.picture_id is not None else None
    if picture is None:
        return PromptLine("")
    line = await desk.deliveries.gallery.line(picture)
    return PromptLine(line.prompt, no=line.no if line.mode == "full" else None, style=line.style)


async def _same_recipe(desk: Desk, given: Given, line: PromptLine) -> PromptLine:
    """The line for one picture with the seed of the given one, its style or none, and what it was drawn with in full
    quality."""
    picture = await desk.history.picture(given.picture_id) if given.picture_id is not None else None
    if picture is None:
        return replace(line, n=1)
    line = replace(line, seed=picture.recipe.seed, n=1, style=line.style or PLAIN_STYLE)
    if isinstance(picture.recipe.request, TextToImage | Refine):
        drawn = await desk.deliveries.gallery.line(picture)
        line = replace(line, no=drawn.no, steps=drawn.steps, cfg=drawn.cfg)
    return line


async def _point_to_same(desk: Desk, origin: Origin, order: Order) -> bool:
    """Points to what the very same order has made before, where that is still here."""
    for child in await desk.history.children(order.parents[0].picture_id or 0):
        post = await desk.history.find_post(kind="single", picture_id=child.id, chat_id=origin.chat_id)
        if post is not None and child.recipe.request == order.made.request:
            return await desk.deliveries.gallery.point_to(post, _("It is refined like this already."))
    return False


async def _given(callback: CallbackQuery, pressed: SourceButton, desk: Desk) -> Given | None:
    """The picture behind a button; None, and they have been told, where it is gone."""
    if pressed.picture:
        picture = await own_picture(callback, desk.history, pressed.picture)
        return given_picture(picture) if picture is not None else None
    upload = await desk.history.sources.upload(pressed.upload)
    if upload is None:
        await gone(callback)
        return None
    return given_upload(upload)


async def fold(callback: CallbackQuery, callback_data: SourceButton, desk: Desk) -> None:
    """Unfolds the rarer buttons under a picture, or folds them again."""
    picture = await own_picture(callback, desk.history, callback_data.picture)
    if picture is None:
        return
    await callback.answer()
    markup = await keyboard_of(desk.history, picture, desk.queue.card, more=callback_data.action == "more")
    await desk.deliveries.gallery.rebutton(callback.message, markup)


async def answer(
    callback: CallbackQuery, callback_data: OrderButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """Yes or no to long work, once."""
    async with desk.deliveries.one_press(f"order:{callback_data.draft}"):
        decided = _("This has been decided already.")
        draft = await own_draft(callback, desk.history, callback_data.draft, "order", over=decided)
        if draft is None or callback.message is None:
            return
        order = ordering.order_of(draft)
        wish = cards.wish(order.made.request, order.made.line.prompt)
        if callback_data.action == "start":
            origin = Origin.of_press(callback, event_update.update_id, person)
            await ordering.accept(desk, origin, order)
            said = "▶️ " + _("It is in line.")
        else:
            said = "✖️ " + _("Never mind, then.")
        await desk.history.sources.change_draft(draft.id, closed=True)
        await desk.bot.edit_message_text(
            f"{said}\n{wish}",
            chat_id=callback.message.chat.id,
            message_id=callback.message.message_id,
            parse_mode="HTML",
        )
        if callback_data.action == "start":
            await tick(desk, order.key, person.id, callback.message.chat.id, draft.body.get("under"))


def build() -> Router:
    router = Router(name="works")
    router.callback_query.register(fold, SourceButton.filter(F.action.in_({"more", "less"})))
    router.callback_query.register(press, SourceButton.filter())
    router.callback_query.register(answer, OrderButton.filter())
    return router
