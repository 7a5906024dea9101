"""Whether a message wants something done with a picture, and what."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from aiogram import Bot
from aiogram.filters import BaseFilter
from aiogram.types import Message

from bot.imaging.areas import tells_area
from bot.modes.source import carries_picture
from bot.prompt import Command, PromptError, parse

COMMANDS: dict[str, Command] = {
    "vary": "vary",
    "mix": "mix",
    "restyle": "restyle",
    "control": "control",
    "upscale": "upscale",
    "inpaint": "inpaint",
    "fix": "inpaint",
    "outpaint": "outpaint",
    "expand": "outpaint",
}
DRAWING = ("imagine", "draw")

# Words by words, so that there is one way only to read a text: a thousand spaces would take minutes otherwise.
_SOMETHING = r"\s+[^\s:,]+(?:\s+[^\s:,]+)*?"
_SPOKEN: tuple[tuple[Command, str], ...] = (
    ("vary", r"(?:сделай(?:те)?\s+)?вариаци[июя]|variations?|vary"),
    ("mix", r"смеша(?:й|йте|ть)|mix"),
    ("restyle", r"передела(?:й|йте|ть)(?:\s+в\b)?|restyle(?:\s+as\b)?"),
    ("control", r"по\s+контур(?:у|ам)|outlines?"),
    ("upscale", r"увелич(?:ь|ьте|ить)|upscale|enlarge"),
    ("inpaint", rf"замени(?:те)?{_SOMETHING}\s+на|replace{_SOMETHING}\s+(?:with|by)"),
    ("inpaint", r"(?:замени|перерисуй|исправь)(?:те)?|replace|repaint|inpaint|fix"),
    ("outpaint", r"расшир(?:ь|ьте|ить)|expand|extend|outpaint"),
)
_ALIASES = [(command, re.compile(rf"^(?:{pattern})(?!\w)[\s,:]*", re.IGNORECASE)) for command, pattern in _SPOKEN]
_COMMAND = re.compile(r"^/(?P<name>[a-z0-9_]+)(?:@(?P<bot>\w+))?(?:\s+|$)", re.IGNORECASE)


class PictureWish(BaseFilter):
    """A picture, a command about one, or an alias said to one. Gives `command` (None: nothing was said) and `words`.

    In a group only what is addressed to the bot counts, but for the silent parts of an album, whose first part may be.
    """

    async def __call__(self, message: Message, bot: Bot) -> bool | dict[str, Any]:
        if message.from_user is None:
            return False
        text, carries = (message.text or message.caption or "").strip(), carries_picture(message)
        said = _COMMAND.match(text)
        if said is not None:
            return await self._commanded(said, text[said.end() :], bot, carries)
        addressed, words = await _addressed(message, text, bot)
        if not addressed:
            silent = carries and message.media_group_id is not None and not text
            return {"command": None, "words": "", "addressed": False} if silent else False
        command, rest = understood(words)
        if carries:
            return {"command": command or _unsaid(message, words), "words": rest, "addressed": True}
        asked = message.reply_to_message
        to_picture = asked is not None and (carries_picture(asked) or asked.sticker is not None)
        alone = not rest and message.chat.type == "private" and re.search("[а-яё]", words, re.IGNORECASE)
        if command is None or not (to_picture or alone):
            return False
        return {"command": command, "words": rest, "addressed": True}

    async def _commanded(self, said: re.Match[str], words: str, bot: Bot, carries: bool) -> bool | dict[str, Any]:
        if said["bot"] and said["bot"].lower() != ((await bot.me()).username or "").lower():
            return False
        name = said["name"].lower()
        command = COMMANDS.get(name)
        if command is None and carries and name in DRAWING:
            command = "restyle"
        return False if command is None else {"command": command, "words": words.strip(), "addressed": True}


def picture_number(word: str) -> int | None:
    """Which picture of several a word counts out, from 1; None where it is no such number."""
    return int(word) if re.fullmatch("[0-9]{1,2}", word) else None


def understood(words: str) -> tuple[Command | None, str]:
    """The command that a text begins with in plain words, and what follows it."""
    for command, alias in _ALIASES:
        if found := alias.match(words):
            return command, words[found.end() :].strip()
    return None, words


def _unsaid(message: Message, words: str) -> Command | None:
    """What a caption without a command is for: mostly to draw the picture anew. An area and what shall be there have
    that area repainted, unless there are parameters that repainting does not take."""
    if message.media_group_id is None and tells_area(words):
        with contextlib.suppress(PromptError):
            parse(words, "inpaint")
            return "inpaint"
    return "restyle" if words else None


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
