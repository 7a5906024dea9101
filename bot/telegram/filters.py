"""Filters that run in the event loop: aiogram sends a synchronous one, `F` included, through a thread."""

from __future__ import annotations

from aiogram.filters import BaseFilter
from aiogram.types import Message


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


class WithDocument(BaseFilter):
    """A message with a file."""

    async def __call__(self, message: Message) -> bool:
        return message.document is not None


class WithPicture(BaseFilter):
    """A message with a photo or a file."""

    async def __call__(self, message: Message) -> bool:
        return message.photo is not None or message.document is not None


_SPOKEN = frozenset(("text", "sticker", "voice", "video", "video_note", "animation", "audio", "location", "contact"))
