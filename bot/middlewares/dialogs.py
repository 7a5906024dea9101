"""What somebody says besides a question ends it."""

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
    """Words that are for another handler than the open dialog's have it listen no longer; such a handler may ask for
    the dialog as `interrupted`. Pictures may be for it, which only their handlers can tell."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if isinstance(event, Message) and "draft" not in data and not carries_picture(event):
            dialogs, owner_id, chat_id = self._studio.history.dialogs, data["person"].id, event.chat.id
            draft = await dialogs.listening(owner_id, chat_id)
            if draft is not None and is_newer(event, draft):
                data["interrupted"] = draft
                await dialogs.hush(owner_id, chat_id)
        return await handler(event, data)
