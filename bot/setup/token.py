"""The bot's token, tried at Telegram before it is kept, and seen by nobody."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from aiogram.exceptions import AiogramError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.types import User

from bot.settings import TOKEN_SHAPE, HttpUrl
from bot.setup.asking import Asking, SetupError, valid
from bot.setup.draft import Draft, Given
from bot.telegram.connection import bot_of
from inference.queue.secret_files import read_secret

OFFICIAL = "https://api.telegram.org"
ASK_SECONDS = 10


def choose_token(draft: Draft, given: Given, asking: Asking) -> None:
    """Has a token that Telegram knows: of a file, of the environment, the one that is there, or one that is typed."""
    if given.telegram_api_url is not None:
        try:
            draft.wanted["TELEGRAM_API_URL"] = valid(HttpUrl, given.telegram_api_url)
        except ValueError as wrong:
            raise SetupError(f"--telegram-api-url: {wrong}") from None
    server = draft.value("TELEGRAM_API_URL") or OFFICIAL
    offline = given.offline

    def read(said: str) -> str:
        return tried(said, server, offline=offline)

    try:
        if given.token_file is not None:
            _keep(draft, read(read_secret(given.token_file, "--token-file")))
            return
        if said := os.environ.get("BOT_TOKEN", "").strip():
            _keep(draft, read(said))
            return
    except ValueError as wrong:
        raise SetupError(f"The token cannot be used: {wrong}") from None
    if (file := draft.value("BOT_TOKEN_FILE")) and Path(file).is_file():
        print(f"The token is read from {file}, as BOT_TOKEN_FILE says.")
        return
    had = draft.value("BOT_TOKEN")
    if had and _still_good(had, server, offline=offline):
        if asking.agree("Keep it?"):
            return
    elif not had:
        print("A bot's token comes from @BotFather in Telegram: /newbot. It is not shown while you paste it.")
    _keep(draft, asking.secret("Token", read, "--token-file, or BOT_TOKEN in the environment"))


def tried(token: str, server: str, *, offline: bool) -> str:
    """The token, once Telegram has said whose it is. Raises ValueError, where another may be better, and SetupError
    where Telegram cannot be asked."""
    if not TOKEN_SHAPE.fullmatch(token):
        raise ValueError("this is not a bot token; it looks like 123456789:AAE… and comes from @BotFather")
    if offline:
        print("Telegram was not asked about the token.")
        return token
    try:
        print(f"It belongs to @{asyncio.run(owner(token, server)).username}.")
    except (TelegramUnauthorizedError, TelegramNotFound):
        raise ValueError("Telegram does not know this token; ask @BotFather for it") from None
    except AiogramError as error:
        raise SetupError(f"{server} cannot be asked about the token: {error}; --offline keeps it unchecked") from None
    return token


async def owner(token: str, server: str) -> User:
    """Whose token it is. Raises AiogramError."""
    bot = bot_of(token, server, is_local=False)
    try:
        return await bot.get_me(request_timeout=ASK_SECONDS)
    finally:
        await bot.session.close()


def _still_good(token: str, server: str, *, offline: bool) -> bool:
    print("There is a token in .env already.")
    try:
        tried(token, server, offline=offline)
    except ValueError as wrong:
        print(f"It cannot be used any more: {wrong}")
        return False
    return True


def _keep(draft: Draft, token: str) -> None:
    draft.wanted |= {"BOT_TOKEN": token, "BOT_TOKEN_FILE": None}  # of the two the file would win
