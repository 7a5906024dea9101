"""The command lists that clients show, by language and kind of chat."""

from __future__ import annotations

from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats

from bot.texts.i18n import N_, _, speaking
from bot.texts.languages import LANGUAGES, Language

COMMANDS = {
    "imagine": N_("Draw a picture from words"),
    "beautify": N_("Improve the words"),
    "vary": N_("Variations of a picture"),
    "mix": N_("Mix 2 to 4 pictures"),
    "restyle": N_("A picture and words"),
    "control": N_("Keep the outlines"),
    "inpaint": N_("Repaint a part"),
    "outpaint": N_("Extend the frame"),
    "upscale": N_("Enlarge, ×2 or 4K"),
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
IN_GROUPS = tuple(command for command in COMMANDS if command not in ALONE)


def commands_for(language: Language, *, private: bool) -> list[BotCommand]:
    with speaking(language):
        return [
            BotCommand(command=command, description=_(description))
            for command, description in COMMANDS.items()
            if private or command in IN_GROUPS
        ]


async def set_commands(bot: Bot) -> None:
    """Tells Telegram; English for every language that has no list of its own."""
    for private, scope in ((True, BotCommandScopeAllPrivateChats()), (False, BotCommandScopeAllGroupChats())):
        await bot.set_my_commands(commands_for("en", private=private), scope=scope)
        for language in LANGUAGES:
            if language != "en":
                await bot.set_my_commands(commands_for(language, private=private), scope=scope, language_code=language)
