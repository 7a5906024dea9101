"""What clients show of the bot before anybody writes: its commands, by language and kind of chat, and its purpose."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.jobs.mode import Modes
from bot.jobs.studio import Studio
from bot.texts.i18n import N_, _, speaking
from bot.texts.languages import LANGUAGES, Language
from inference.requests import ModelCard

log = logging.getLogger(__name__)

EVERY_SECONDS = 300.0  # between two looks whether Telegram has to be told of other commands

PROGRAMS = "apikey"
COMMANDS = {
    "tree": N_("Family tree of a picture"),
    "history": N_("My pictures"),
    "styles": N_("Styles"),
    "settings": N_("My settings"),
    "queue": N_("My place in line"),
    "cancel": N_("Cancel my requests"),
    "info": N_("Recipe of a picture (reply to it)"),
    PROGRAMS: N_("Keys for programs"),
    "help": N_("How to ask for more"),
}
ALONE = ("history", "styles", "settings", PROGRAMS)


def listed(modes: Modes[Any], card: ModelCard | None = None, *, programs: bool = False) -> dict[str, str]:
    """Every command that clients show and something here serves, with the English source of what it is for; that of
    `programs` where they are let in."""
    served = {mode.commands[0]: mode.about for mode in modes if mode.commands and mode.offered(card)} | COMMANDS
    return {command: about for command, about in served.items() if programs or command != PROGRAMS}


def served_now(studio: Studio) -> dict[str, str]:
    """Those that are served at the moment."""
    return listed(studio.modes, studio.queue.card, programs=studio.api_address is not None)


def commands_for(served: dict[str, str], language: Language, *, private: bool) -> list[BotCommand]:
    with speaking(language):
        return [
            BotCommand(command=command, description=_(description))
            for command, description in served.items()
            if private or command not in ALONE
        ]


async def introduce(studio: Studio) -> None:
    """Tells Telegram all of it, and then its commands whenever others are served, as when the last worker of a mode has
    left. Where that fails, the log says so, clients show what they were told before, and it is tried again."""
    told: dict[str, str] | None = None
    while True:
        served = served_now(studio)
        if served != told:
            telling = _tell(studio.bot, served, first=told is None)
            told = served if await asyncio.create_task(telling, name="introduction") else told
        await asyncio.sleep(EVERY_SECONDS)


async def _tell(bot: Bot, served: dict[str, str], *, first: bool) -> bool:
    """Whether Telegram has been told."""
    try:
        await set_commands(bot, served)
        if first:
            await set_descriptions(bot)
    except AiogramError as error:
        log.warning("the commands and descriptions could not be set: %s", error)
        return False
    return True


async def set_commands(bot: Bot, served: dict[str, str]) -> None:
    """Tells Telegram; English for every language that has no list of its own."""
    for private, scope in ((True, BotCommandScopeAllPrivateChats()), (False, BotCommandScopeAllGroupChats())):
        await bot.set_my_commands(commands_for(served, "en", private=private), scope=scope)
        for language in LANGUAGES:
            if language != "en":
                commands = commands_for(served, language, private=private)
                await bot.set_my_commands(commands, scope=scope, language_code=language)


async def set_descriptions(bot: Bot) -> None:
    """Says in an empty chat and on the bot's page what it is for, where its owner has not said so by BotFather."""
    long, short = _described()
    for language in LANGUAGES:
        code = None if language == "en" else language  # as above; asked for a language without one it may give another
        said = (await bot.get_my_description(language_code=code)).description
        if said != long[language] and said in ("", *long.values()):
            await bot.set_my_description(long[language], language_code=code)
        said = (await bot.get_my_short_description(language_code=code)).short_description
        if said != short[language] and said in ("", *short.values()):
            await bot.set_my_short_description(short[language], language_code=code)


def _described() -> tuple[dict[Language, str], dict[Language, str]]:
    """What the bot is for, by language: at length and in a line."""
    long, short = {}, {}
    for language in LANGUAGES:
        with speaking(language):
            long[language] = _(
                "I draw what you describe, four pictures at a time. Tap the number of one to vary, repaint, "
                "extend or enlarge it. Photos are welcome, too. Write a sentence, in English or in Russian."
            )
            short[language] = _("Draws what you describe, and works on the picture with you")
    return long, short
