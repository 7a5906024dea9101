"""The command lists that clients show, by language and kind of chat."""

from __future__ import annotations

from typing import Any

from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.jobs.mode import Modes
from bot.texts.i18n import N_, _, speaking
from bot.texts.languages import LANGUAGES, Language
from inference.requests import ModelCard

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


async def set_commands(bot: Bot, modes: Modes[Any], card: ModelCard | None) -> None:
    """Tells Telegram; English for every language that has no list of its own."""
    for private, scope in ((True, BotCommandScopeAllPrivateChats()), (False, BotCommandScopeAllGroupChats())):
        await bot.set_my_commands(commands_for(modes, "en", private=private, card=card), scope=scope)
        for language in LANGUAGES:
            if language != "en":
                await bot.set_my_commands(
                    commands_for(modes, language, private=private, card=card), scope=scope, language_code=language
                )
