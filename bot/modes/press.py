"""Buttons that make something out of a picture, and the yes or no to what it costs."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.jobs import cards
from bot.jobs.compose import Composition
from bot.jobs.order import composed_of, known_card, order_of, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone, in_line_already
from bot.jobs.shown import keys_of
from bot.jobs.studio import Studio
from bot.modes import base as composition
from bot.modes import works
from bot.modes.base import STRENGTHS, Wish
from bot.modes.ticks import tick
from bot.prompt import Command, PromptLine
from bot.prompt.styles import PLAIN_STYLE
from bot.store import Draft, Given, Person, StoredPicture
from bot.telegram.callbacks import OrderButton, SourceButton
from bot.telegram.screen import Screen, put
from bot.telegram.senders import mention
from bot.texts.i18n import _
from inference.requests import Refine, TextToImage

_ASKS_FIRST: dict[str, Command] = {"inpaint": "inpaint", "outpaint": "outpaint", "mix": "mix"}
_NEEDS_WORDS: dict[str, Command] = {"restyle": "restyle", "control": "control"}


async def press(
    callback: CallbackQuery,
    callback_data: SourceButton,
    given: Given,
    person: Person,
    studio: Studio,
    origin: Origin,
) -> None:
    """Begins what the button says, once while it waits; where the weights are missing it says which."""
    action = callback_data.action
    card = await known_card(studio.queue)
    served = {"subtle": "vary", "strong": "vary", "redraw": "refine"}.get(action, action)
    if not composition.offered(card, served):
        composition.need(card, composition.SERVED_BY[served][0])  # says what is missing
    if action in _NEEDS_WORDS:
        called = "" if origin.private else mention(callback, origin.owner_id)
        await callback.answer()
        await works.ask_for_words(studio, origin, _NEEDS_WORDS[action], given, called)
        return
    if action in _ASKS_FIRST:
        await callback.answer()
        await works.begin(studio, origin, person, _ASKS_FIRST[action], given, "")
        return
    key = callback_data.pack()
    if not await in_line_already(callback, studio, person, key):
        await _order(studio, origin, person, action, given, key)
        await tick(studio, key, person.id, origin.chat_id, origin.reply_to)


async def _order(studio: Studio, origin: Origin, person: Person, action: str, given: Given, key: str) -> None:
    """What needs no more than the picture and the words that it was drawn from."""
    card = await known_card(studio.queue)
    line = await _own_line(studio, given)
    if action in ("refine", "redraw"):
        line = await _same_recipe(studio, given, line)
    wish = Wish(line, person.preferences, card, origin.private)
    match action:
        case "vary" | "subtle" | "strong":
            made = composition.vary(wish, given, "strong" if action == "strong" else "subtle")
        case "refine" | "redraw":
            made = composition.refine(wish, given, STRENGTHS["subtle" if action == "refine" else "strong"])
            if await _point_to_same(studio, origin, made, given):
                return
        case "x2" | "big":
            made = composition.upscale(wish, given, "x2" if action == "x2" else "big")
        case _:
            raise TypeError(f"nothing is done by {action}")
    await order_or_ask(studio, origin, made, parents=(given.parent,), key=key)


async def _own_line(studio: Studio, given: Given) -> PromptLine:
    """The words and the style of a picture of ours; none of a given one."""
    picture = await studio.history.picture(given.picture_id) if given.picture_id is not None else None
    if picture is None:
        return PromptLine("")
    line = await studio.deliveries.gallery.line(picture)
    return PromptLine(line.prompt, no=line.no if line.mode == "full" else None, style=line.style)


async def _same_recipe(studio: Studio, given: Given, line: PromptLine) -> PromptLine:
    """The line for one picture with the seed of the given one, its style or none, and what it was drawn with in full
    quality."""
    picture = await studio.history.picture(given.picture_id) if given.picture_id is not None else None
    if picture is None:
        return replace(line, n=1)
    line = replace(line, seed=picture.recipe.seed, n=1, style=line.style or PLAIN_STYLE)
    if isinstance(picture.recipe.request, TextToImage | Refine):
        drawn = await studio.deliveries.gallery.line(picture)
        line = replace(line, no=drawn.no, steps=drawn.steps, cfg=drawn.cfg)
    return line


async def _point_to_same(studio: Studio, origin: Origin, made: Composition, given: Given) -> bool:
    """Points to what the very same order has made before, where that is still here."""
    for child in await studio.history.children(given.picture_id or 0):
        post = await studio.history.find_post(kind="single", picture_id=child.id, chat_id=origin.chat_id)
        if post is not None and child.recipe.request == made.request:
            return await studio.deliveries.gallery.point_to(post, _("It is refined like this already."))
    return False


async def fold(
    callback: CallbackQuery, callback_data: SourceButton, studio: Studio, picture: StoredPicture | None = None
) -> None:
    """Unfolds the rarer buttons under a picture, or folds them again."""
    if picture is None:  # nothing unfolds under what somebody gave
        await gone(callback)
        return
    await callback.answer()
    markup = await keys_of(studio, picture, more=callback_data.action == "more")
    await studio.deliveries.gallery.rebutton(callback.message, markup)


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
    made = composed_of(draft)
    wish = cards.wish(made.request, made.line.prompt)
    message_id = draft.message_id if callback.message is None else callback.message.message_id
    assert message_id is not None
    await put(studio.bot, origin.chat_id, message_id, Screen(f"{said}\n{wish}"))
    if starts:
        await tick(studio, draft.body["key"], person.id, origin.chat_id, draft.body.get("under"))


def build() -> Router:
    router = Router(name="works")
    router.callback_query.register(fold, SourceButton.filter(F.action.in_({"more", "less"})))
    router.callback_query.register(press, SourceButton.filter())
    router.callback_query.register(answer, OrderButton.filter())
    return router
