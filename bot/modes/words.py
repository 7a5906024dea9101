"""A sentence becomes a picture: /imagine, plain words in private, a mention or an answer in a group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from bot.jobs import cards
from bot.jobs.compose import Asked
from bot.jobs.keyboards import button
from bot.jobs.mode import Mode, Routers, View
from bot.jobs.order import asked_by, known_card, order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already, ordered_just_now
from bot.jobs.studio import Studio
from bot.modes.base import guided_line
from bot.modes.drawing import from_words
from bot.prompt import OF_WORDS, parse
from bot.prompt.said import wish_in
from bot.store import Parent, Person, Preferences, StoredPicture
from bot.telegram.addressed import Addressed
from bot.telegram.callbacks import ExampleButton, PictureButton
from bot.texts.i18n import N_, _
from inference.requests import FLASH_STEPS, AnyRequest, FlashTextToImage, ModelCard, TextToImage


async def imagine(message: Message, command: CommandObject, person: Person, studio: Studio, origin: Origin) -> None:
    await draw(message, wish_in(command.args or ""), person, studio, origin)


async def draw(message: Message, words: str, person: Person, studio: Studio, origin: Origin) -> None:
    await order(studio, origin, from_words(await asked_by(studio, origin, person, parse(words))))


async def example(
    callback: CallbackQuery, callback_data: ExampleButton, person: Person, studio: Studio, origin: Origin
) -> None:
    """Draws an example for whoever pressed it; pressed again, again, but not while it waits."""
    sentences = cards.examples(studio.queue.card)
    if callback_data.number >= len(sentences) or callback.message is None:
        await callback.answer(_("This example is gone. Just tell me what to draw."), show_alert=True)
        return
    key = callback_data.key(callback.message.chat.id, callback.message.message_id)
    if await in_line_already(callback, studio, person, key):
        return
    line = parse(sentences[callback_data.number])
    await order(studio, origin, from_words(await asked_by(studio, origin, person, line)), key=key)


async def in_full_quality(
    callback: CallbackQuery,
    callback_data: PictureButton,
    picture: StoredPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
) -> None:
    """The same words and the same seed in full quality, once."""
    if not can_be_full(picture.recipe.request, studio.queue.card):
        await callback.answer(_("Full quality is not installed here."), show_alert=True)
        return
    key, gallery = callback_data.pack(), studio.deliveries.gallery
    if await in_line_already(callback, studio, person, key):
        return
    just_now = await ordered_just_now(studio, person.id, key)
    for child in [] if just_now else await studio.history.children(picture.id):
        post = await studio.history.find_post(kind="single", picture_id=child.id, chat_id=origin.chat_id)
        if post is None or child.recipe.request.kind != "full":
            continue
        if await gallery.point_to(post, _("It is drawn in full quality already.")):
            return
    line = replace(await gallery.line(picture), quality="full")
    made = from_words(Asked(line, Preferences(), await known_card(studio.queue), origin.private))
    await order(studio, origin, made, parents=(Parent(picture_id=picture.id),), key=key)
    await gallery.rekey(callback.message, picture)


def can_be_full(request: AnyRequest, card: ModelCard | None) -> bool:
    """Whether what a request has drawn can be drawn once more in full quality."""
    return isinstance(request, FlashTextToImage) and (card is None or "full" in card.kinds)


def keys(view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
    if view != "picture" or not can_be_full(request, card):
        return []
    return [button("💎 " + _("Quality"), PictureButton(action="full", picture=target))]


def settings(request: FlashTextToImage | TextToImage, name: str) -> list[str]:
    return cards.guided(request, name) if isinstance(request, TextToImage) else [cards.in_steps(name, FLASH_STEPS)]


def line(request: FlashTextToImage | TextToImage) -> Mapping[str, Any]:
    chosen = guided_line(request) if isinstance(request, TextToImage) else {}
    return {"ar": request.size, "quality": request.kind, **chosen}


def routers() -> Routers:
    buttons = Router(name="words")
    buttons.callback_query.register(in_full_quality, PictureButton.filter(F.action == "full"))
    last = Router(name="draw")
    last.message.register(imagine, Command("imagine", "draw"))
    last.message.register(draw, Addressed())
    last.callback_query.register(example, ExampleButton.filter())
    return Routers(among=buttons, last=last)


WORDS: Mode[Studio] = Mode(
    name="draw",
    requests=(FlashTextToImage, TextToImage),
    names={"flash": N_("Flash"), "full": N_("Full quality")},
    commands=("imagine", "draw"),
    about=N_("Draw a picture from words"),
    parameters=OF_WORDS,
    settings=settings,
    line=line,
    of_words_alone=True,
    keys=keys,
    routers=routers,
)
