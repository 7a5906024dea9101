"""A sentence becomes a picture: /imagine, plain words in private, a mention or an answer in a group."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.jobs.cards import examples
from bot.jobs.compose import compose
from bot.jobs.order import known_card, order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already
from bot.jobs.studio import Studio
from bot.prompt import parse
from bot.store import Person
from bot.telegram.addressed import Addressed, without_alias
from bot.telegram.callbacks import ExampleButton
from bot.texts.i18n import _


async def imagine(message: Message, command: CommandObject, person: Person, studio: Studio, origin: Origin) -> None:
    await draw(message, without_alias(command.args or ""), person, studio, origin)


async def draw(message: Message, words: str, person: Person, studio: Studio, origin: Origin) -> None:
    made = compose(parse(words), person.preferences, await known_card(studio.queue), private=origin.private)
    await order(studio, origin, made)


async def example(
    callback: CallbackQuery, callback_data: ExampleButton, person: Person, studio: Studio, origin: Origin
) -> None:
    """Draws an example for whoever pressed it; pressed again, again, but not while it waits."""
    sentences = examples(studio.queue.card)
    if callback_data.number >= len(sentences) or callback.message is None:
        await callback.answer(_("This example is gone. Just tell me what to draw."), show_alert=True)
        return
    key = callback_data.key(callback.message.chat.id, callback.message.message_id)
    if await in_line_already(callback, studio, person, key):
        return
    line, card = parse(sentences[callback_data.number]), await known_card(studio.queue)
    await order(studio, origin, compose(line, person.preferences, card, private=origin.private), key=key)


def build() -> Router:
    router = Router(name="draw")
    router.message.register(imagine, Command("imagine", "draw"))
    router.message.register(draw, Addressed())
    router.callback_query.register(example, ExampleButton.filter())
    return router
