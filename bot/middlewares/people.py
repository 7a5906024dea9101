"""Whose update it is, and in which language to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import TelegramObject, Update, User

from bot.history import History
from bot.i18n import speaking

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class PersonMiddleware(BaseMiddleware):
    """Puts `person` among the handler's arguments and speaks their language while it runs.

    Updates without a person behind them (posts of channels) end here: nobody is there to draw for.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        user: User | None = data.get("event_from_user")
        if user is None:
            return UNHANDLED
        person = await self._history.person(user.id, user.language_code)
        if person.blocked and _is_private_message(event):
            await self._history.set_blocked(user.id, False)
            person = replace(person, blocked=False)
        data["person"] = person
        with speaking(person.language):
            return await handler(event, data)


def _is_private_message(event: TelegramObject) -> bool:
    return isinstance(event, Update) and event.message is not None and event.message.chat.type == "private"
