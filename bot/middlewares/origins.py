"""For whom something is asked, and where it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject

from bot.jobs.origin import Origin

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class OriginMiddleware(BaseMiddleware):
    """Puts `origin` among the handler's arguments, once it is known whom a press is made for; `edits` is the job of a
    message whose words were changed (`bot.conversation.edited`)."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        update_id, person = data["event_update"].update_id, data["person"]
        if isinstance(event, CallbackQuery):
            data["origin"] = Origin.of_press(event, update_id, person)
        elif isinstance(event, Message):
            data["origin"] = replace(Origin.of_message(event, update_id, person), edits=data.get("edits"))
        return await handler(event, data)
