"""The person behind an update, and in which language to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from bot.store import History
from bot.telegram.senders import Sender
from bot.texts.i18n import speaking

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class PersonMiddleware(BaseMiddleware):
    """Puts `person` among the handler's arguments, remembers them, and speaks their language while it runs.

    A chat that somebody speaks for is a person of its own: its pictures, its settings, its share of the queue.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        sender: Sender = data["sender"]
        person = await self._history.person(sender.id, sender.client_language)
        if person.blocked and _is_private_message(event):
            await self._history.set_blocked(person.id, False)
            person = replace(person, blocked=False)
        data["person"] = person
        with speaking(person.language):
            return await handler(event, data)


def _is_private_message(event: TelegramObject) -> bool:
    return isinstance(event, Update) and event.message is not None and event.message.chat.type == "private"
