"""What clients show of the bot before anybody writes: its commands, by language and kind of chat, and its purpose."""

from __future__ import annotations

import logging
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.jobs.mode import Modes
from bot.texts.i18n import N_, _, speaking
from bot.texts.languages import LANGUAGES, Language
from inference.requests import ModelCard

log = logging.getLogger(__name__)

COMMANDS = {
    "tree": N_("Family tree of a picture"),
    "history": N_("My pictures"),
    "styles": N_("Styles"),
    "settings": N_("My settings"),
    "queue": N_("My place in line"),
    "cancel": N_("Cancel my requests"),
    "info": N_("Recipe of a picture (reply to it)"),
    "help": N_("How to ask for more"),
}
ALONE = ("history", "styles", "settings")


def listed(modes: Modes[Any], card: ModelCard | None = None) -> dict[str, str]:
    """Every command that clients show and something here serves, with the English source of what it is for."""
    return {mode.commands[0]: mode.about for mode in modes if mode.commands and mode.offered(card)} | COMMANDS


def commands_for(
    modes: Modes[Any], language: Language, *, private: bool, card: ModelCard | None = None
) -> list[BotCommand]:
    with speaking(language):
        return [
            BotCommand(command=command, description=_(description))
            for command, description in listed(modes, card).items()
            if private or command not in ALONE
        ]


async def introduce(bot: Bot, modes: Modes[Any], card: ModelCard | None) -> None:
    """Tells Telegram all of it. Where that fails, the log says so, and clients show what they were told before."""
    try:
        await set_commands(bot, modes, card)
        await set_descriptions(bot)
    except AiogramError as error:
        log.warning("the commands and descriptions could not be set: %s", error)


async def set_commands(bot: Bot, modes: Modes[Any], card: ModelCard | None) -> None:
    """Tells Telegram; English for every language that has no list of its own."""
    for private, scope in ((True, BotCommandScopeAllPrivateChats()), (False, BotCommandScopeAllGroupChats())):
        await bot.set_my_commands(commands_for(modes, "en", private=private, card=card), scope=scope)
        for language in LANGUAGES:
            if language != "en":
                await bot.set_my_commands(
                    commands_for(modes, language, private=private, card=card), scope=scope, language_code=language
                )


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
