"""Who has sent an update, before anything else is asked about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import TelegramObject, Update

from bot.telegram.senders import sender_of

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class SenderMiddleware(BaseMiddleware):
    """Puts `sender` among the arguments of whatever comes next.

    Updates that nobody has sent, such as a channel's posts and their copies in its group, end here: nobody is there to
    draw for.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        sender = sender_of(event, data.get("event_from_user")) if isinstance(event, Update) else None
        if sender is None:
            return UNHANDLED
        data["sender"] = sender
        return await handler(event, data)
