"""What a message of ours looks like and where it goes; the one place that sends or edits one.

Texts are HTML. An answer is sent also where what it answers is gone. In groups nobody's telephone rings for what
somebody else has asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import EditMessageCaption, EditMessageMedia, EditMessageText
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)

from bot.telegram.refusals import has_no_text

_HTML = "HTML"


@dataclass(frozen=True)
class Photo:
    """A JPEG, and what its file is called."""

    content: bytes
    name: str


@dataclass(frozen=True)
class Screen:
    """What one message is to look like. `photo` is one to upload or Telegram's id of one."""

    text: str
    keys: InlineKeyboardMarkup | None = None
    photo: Photo | str | None = None


@dataclass(frozen=True)
class Place:
    """Where a message goes: in answer to what, in which chat and topic. `aloud` it rings in groups as well."""

    chat_id: int
    answer_to: int | None = None
    thread: int | None = None
    aloud: bool = False

    def heading(self) -> dict[str, Any]:
        """What Telegram is told of a message besides its chat and what it holds."""
        answered = None
        if self.answer_to is not None:
            answered = ReplyParameters(message_id=self.answer_to, allow_sending_without_reply=True)
        return {
            "reply_parameters": answered,
            "message_thread_id": self.thread,
            "disable_notification": self.chat_id < 0 and not self.aloud,
        }


async def send(bot: Bot, place: Place, screen: Screen, *, asking: ForceReply | None = None) -> Message:
    """A new message; `asking` opens an answer to it, where it has no keys."""
    said: dict[str, Any] = {"parse_mode": _HTML, "reply_markup": asking or screen.keys, **place.heading()}
    if screen.photo is None:
        return await bot.send_message(place.chat_id, screen.text, **said)
    return await bot.send_photo(place.chat_id, _uploaded(screen.photo), caption=screen.text, **said)


def edit(chat_id: int, message_id: int, screen: Screen) -> EditMessageText | EditMessageMedia:
    """The call that makes a message look like this. Telegram refuses words alone for a message with a photo."""
    where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": screen.keys}
    if screen.photo is None:
        return EditMessageText(text=screen.text, parse_mode=_HTML, **where)
    media = InputMediaPhoto(media=_uploaded(screen.photo), caption=screen.text, parse_mode=_HTML)
    return EditMessageMedia(media=media, **where)


async def put(bot: Bot, chat_id: int, message_id: int, screen: Screen) -> Message | bool:
    """Makes a message look like this; a photo in it stays where the screen has none."""
    try:
        return await bot(edit(chat_id, message_id, screen))
    except TelegramBadRequest as error:
        if not has_no_text(error):
            raise
    return await put_under(bot, chat_id, message_id, screen)


async def put_under(bot: Bot, chat_id: int, message_id: int, screen: Screen) -> Message | bool:
    """Changes the words and keys under a photo, which stays."""
    return await bot(
        EditMessageCaption(
            chat_id=chat_id,
            message_id=message_id,
            caption=screen.text,
            parse_mode=_HTML,
            reply_markup=screen.keys,
        )
    )


async def point_to(bot: Bot, chat_id: int, message_id: int, words: str) -> Message:
    """Answers a message with a finger up, silently. Raises TelegramBadRequest where it is gone."""
    there = ReplyParameters(message_id=message_id)
    return await bot.send_message(chat_id, f"👆 {words}", reply_parameters=there, disable_notification=True)


def _uploaded(photo: Photo | str) -> BufferedInputFile | str:
    return photo if isinstance(photo, str) else BufferedInputFile(photo.content, photo.name)
