"""What has been sent in an update's name is not sent again when the update has to be handled again.

The outermost of the middlewares around calls. A message that Telegram has taken is noted with the update; should a
crash come before the update is done with, its second handling is given the same message back. Between Telegram's
taking it and our note lie the way of the answer and a write without an fsync.
"""

from __future__ import annotations

import hashlib
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.methods import SendChatAction, TelegramMethod
from aiogram.types import InputFile, Message

from bot.store.handling import handling

_KEPT = {"message_id", "date", "chat", "message_thread_id", "photo", "document"}


class SentOnce(BaseRequestMiddleware):
    """Stateless: what was sent is known to the update in hand."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        current = handling()
        if current is None or not _sends(method):
            return await make_request(bot, method)
        step = current.counted(f"sent {_content(method)}")
        if step in current.noted:
            return _restored(current.noted[step], bot)
        sent = await make_request(bot, method)
        if not current.over and (kept := _kept(sent)) is not None:
            current.keep(current.name, step, kept)
        return sent


def _sends(method: TelegramMethod[Any]) -> bool:
    return method.__api_method__.startswith(("send", "copy", "forward")) and not isinstance(method, SendChatAction)


def _content(method: TelegramMethod[Any]) -> str:
    """What makes two messages the same: where to, which words, which files by name."""
    said = [method.__api_method__]
    for field in ("chat_id", "text", "caption", "photo", "document", "media"):
        value = getattr(method, field, None)
        said += [_named(part) for part in (value if isinstance(value, list) else [value])]
    return hashlib.sha256("\0".join(said).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _named(part: Any) -> str:
    part = getattr(part, "media", part)
    return part.filename or "" if isinstance(part, InputFile) else str(part)


def _kept(sent: Any) -> Any:
    """What handlers want to know of messages that they have sent; None for whatever else a call gives."""
    if isinstance(sent, Message):
        return sent.model_dump(mode="json", include=_KEPT, exclude_none=True, exclude_unset=True)
    if isinstance(sent, list) and all(isinstance(message, Message) for message in sent):
        return [_kept(message) for message in sent]
    return None


def _restored(kept: Any, bot: Bot) -> Any:
    if isinstance(kept, list):
        return [_restored(message, bot) for message in kept]
    return Message.model_validate(kept, context={"bot": bot})
