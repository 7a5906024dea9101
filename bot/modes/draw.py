"""A sentence becomes a picture: /imagine, plain words in private, a mention or an answer in a group."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update

from bot.jobs.cards import examples
from bot.jobs.delivery import Deliveries
from bot.jobs.intake import Origin, order
from bot.jobs.ownership import ordering_once
from bot.prompt import parse
from bot.store import Person
from bot.telegram.addressed import Addressed, without_alias
from bot.telegram.callbacks import ExampleButton
from bot.texts.i18n import _
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger


async def imagine(
    message: Message,
    command: CommandObject,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    deliveries: Deliveries,
) -> None:
    await draw(message, without_alias(command.args or ""), person, event_update, queue, ledger, deliveries)


async def draw(
    message: Message,
    words: str,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    deliveries: Deliveries,
) -> None:
    origin = Origin.of_message(message, event_update.update_id, person)
    await order(origin, parse(words), person.preferences, queue=queue, ledger=ledger, deliveries=deliveries)


async def example(
    callback: CallbackQuery,
    callback_data: ExampleButton,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    deliveries: Deliveries,
) -> None:
    """Draws an example for whoever pressed it; pressed again, again, but not while it waits."""
    sentences = examples(queue.card)
    if callback_data.number >= len(sentences) or callback.message is None:
        await callback.answer(_("This example is gone. Just tell me what to draw."), show_alert=True)
        return
    key = f"example:{callback.message.chat.id}:{callback.message.message_id}:{callback_data.number}"
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        line = parse(sentences[callback_data.number])
        await order(origin, line, person.preferences, queue=queue, ledger=ledger, deliveries=deliveries, key=key)


def build() -> Router:
    router = Router(name="draw")
    router.message.register(imagine, Command("imagine", "draw"))
    router.message.register(draw, Addressed())
    router.callback_query.register(example, ExampleButton.filter())
    return router
