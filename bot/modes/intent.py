"""Whether a message wants something done with a picture, and what."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from aiogram import Bot
from aiogram.filters import BaseFilter
from aiogram.types import Message

from bot.jobs.mode import Mode, Modes
from bot.jobs.studio import Studio
from bot.modes.source import carries_picture
from bot.prompt.said import says_something

_COMMAND = re.compile(r"^/(?P<name>[a-z0-9_]+)(?:@(?P<bot>\w+))?(?:\s+|$)", re.IGNORECASE)


class PictureWish(BaseFilter):
    """A picture, a command about one, or an alias said to one. Gives `mode` (None: nothing was said) and `words`.

    In a group only what is addressed to the bot counts, but for the silent parts of an album, whose first part may be.
    """

    async def __call__(self, message: Message, bot: Bot, studio: Studio) -> bool | dict[str, Any]:
        if message.from_user is None:
            return False
        text, carries = (message.text or message.caption or "").strip(), carries_picture(message)
        said = _COMMAND.match(text)
        if said is not None:
            return await self._commanded(said, text[said.end() :], bot, carries, studio.modes)
        addressed, words = await _addressed(message, text, bot)
        if not addressed:
            silent = carries and message.media_group_id is not None and not text
            return {"mode": None, "words": "", "addressed": False} if silent else False
        mode, rest = understood(words, studio.modes)
        if carries:
            return {"mode": mode or _unsaid(message, words, studio.modes), "words": rest, "addressed": True}
        asked = message.reply_to_message
        to_picture = asked is not None and (carries_picture(asked) or asked.sticker is not None)
        alone = not rest and message.chat.type == "private" and re.search("[а-яё]", words, re.IGNORECASE)
        if mode is None or not (to_picture or alone):
            return False
        return {"mode": mode, "words": rest, "addressed": True}

    async def _commanded(
        self, said: re.Match[str], words: str, bot: Bot, carries: bool, modes: Modes[Studio]
    ) -> bool | dict[str, Any]:
        if said["bot"] and said["bot"].lower() != ((await bot.me()).username or "").lower():
            return False
        mode = modes.commanded(said["name"].lower())
        if mode is not None and carries and mode.of_words_alone:
            mode = _of_captions(modes)
        if mode is None or mode.begin is None:
            return False
        return {"mode": mode, "words": words.strip(), "addressed": True}


def picture_number(word: str) -> int | None:
    """Which picture of several a word counts out, from 1; None where it is no such number."""
    return int(word) if re.fullmatch("[0-9]{1,2}", word) else None


def understood(words: str, modes: Modes[Studio]) -> tuple[Mode[Studio] | None, str]:
    """The mode that a text begins with in plain words, and what follows."""
    for mode in modes:
        for pattern in mode.spoken:
            if found := _alias(pattern).match(words):
                return mode, words[found.end() :].strip()
    return None, words


@cache
def _alias(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:{pattern})(?!\w)[\s,:]*", re.IGNORECASE)


def _unsaid(message: Message, words: str, modes: Modes[Studio]) -> Mode[Studio] | None:
    """What a caption without a command is for: mostly to draw the picture anew."""
    if message.media_group_id is None:
        for mode in modes:
            if mode.claims is not None and mode.claims(words):
                return mode
    return _of_captions(modes) if says_something(words) else None


def _of_captions(modes: Modes[Studio]) -> Mode[Studio]:
    return next(mode for mode in modes if mode.of_captions)


async def _addressed(message: Message, text: str, bot: Bot) -> tuple[bool, str]:
    """Whether the bot is meant, and the text without its name."""
    if message.chat.type == "private":
        return True, text
    me = await bot.me()
    mention = re.compile(rf"(?<!\w)@{re.escape(me.username or '')}\b[\s,:]*", re.IGNORECASE)
    if me.username and mention.search(text):
        return True, mention.sub(" ", text).strip()
    asked = message.reply_to_message
    return asked is not None and asked.from_user is not None and asked.from_user.id == me.id, text
