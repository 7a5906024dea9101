"""The open dialog of whoever writes, and what ends it: whatever they say besides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject

from bot.jobs.dialogs import is_newer
from bot.jobs.studio import Studio
from bot.modes.source import carries_picture

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class DialogMiddleware(BaseMiddleware):
    """Looks up, before all filters, the open dialog of whoever writes in private: they may ask for it as `dialog`.
    Pictures may take long to come, and who takes them looks again."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if isinstance(event, Message) and event.chat.type == "private" and not carries_picture(event):
            data["dialog"] = await self._studio.history.dialogs.listening(data["person"].id, event.chat.id)
        return await handler(event, data)


class InterruptionMiddleware(BaseMiddleware):
    """Words that are for another handler than the open dialog's have it listen no longer; such a handler may ask for
    the dialog as `interrupted`. Pictures may be for it, which only their handlers can tell."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if isinstance(event, Message) and "draft" not in data and not carries_picture(event):
            dialogs, owner_id, chat_id = self._studio.history.dialogs, data["person"].id, event.chat.id
            draft = data["dialog"] if "dialog" in data else await dialogs.listening(owner_id, chat_id)
            if draft is not None and is_newer(event, draft):
                data["interrupted"] = draft
                await dialogs.hush(owner_id, chat_id)
        return await handler(event, data)
