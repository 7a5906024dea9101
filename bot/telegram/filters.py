"""Filters that run in the event loop: aiogram sends a synchronous one, `F` included, through a thread."""

from __future__ import annotations

from typing import Any

from aiogram.filters import BaseFilter
from aiogram.types import Message

from bot.jobs.belonging import draft_asked_about, draft_shown
from bot.store import DraftKind, History
from bot.telegram.senders import sender_of_message


class InPrivate(BaseFilter):
    """A message in a private chat."""

    async def __call__(self, message: Message) -> bool:
        return message.chat.type == "private"


class Slashed(BaseFilter):
    """A message whose text begins like a command."""

    async def __call__(self, message: Message) -> bool:
        return bool(message.text and message.text.startswith("/"))


class Spoken(BaseFilter):
    """Something a person sends, not a service message such as joining, pinning or a new title."""

    async def __call__(self, message: Message) -> bool:
        return message.content_type in _SPOKEN


class AnswersDraft(BaseFilter):
    """Words in answer to a message of ours that waits for them, from the person it waits for. Gives `draft`."""

    def __init__(self, kind: DraftKind) -> None:
        self._kind = kind

    async def __call__(self, message: Message, history: History) -> bool | dict[str, Any]:
        asked, sender = message.reply_to_message, sender_of_message(message)
        if not message.text or message.text.startswith("/") or asked is None or sender is None:
            return False
        draft = await draft_shown(history.sources, asked, self._kind)
        if draft is None:
            draft = await draft_asked_about(history.sources, asked, self._kind, sender.id)
        return {"draft": draft} if draft is not None and draft.owner_id == sender.id else False


class WithDocument(BaseFilter):
    """A message with a file."""

    async def __call__(self, message: Message) -> bool:
        return message.document is not None


class WithPicture(BaseFilter):
    """A message with a photo or a file."""

    async def __call__(self, message: Message) -> bool:
        return message.photo is not None or message.document is not None


_SPOKEN = frozenset(("text", "sticker", "voice", "video", "video_note", "animation", "audio", "location", "contact"))
