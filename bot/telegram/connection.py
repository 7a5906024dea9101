"""The connection to Telegram, or to a Bot API server of one's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import AiogramError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import Response
from aiogram.methods.base import TelegramMethod, TelegramType

from bot.settings import Settings, SettingsError
from bot.telegram.outbox import Outbox
from bot.telegram.sent_once import SentOnce
from inference.queue.backoff import pauses

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@asynccontextmanager
async def connected(settings: Settings, outbox: Outbox) -> AsyncIterator[Bot]:
    """A Bot whose calls pass the outbox, and none twice for one update."""
    bot = make_bot(settings)
    bot.session.middleware(SentOnce())
    bot.session.middleware(outbox)
    try:
        yield bot
    finally:
        await bot.session.close()


def make_bot(settings: Settings) -> Bot:
    """A Bot for the Bot API server of the settings."""
    return bot_of(settings.token, settings.telegram_api_url, is_local=settings.telegram_api_local)


def bot_of(token: str, server: str, *, is_local: bool) -> Bot:
    """A Bot for the Bot API server at this address; of one that `is_local` files are read from the disk."""
    at_telegram = urlsplit(server).hostname == "api.telegram.org"
    api = PRODUCTION if at_telegram else TelegramAPIServer.from_base(server, is_local=is_local)
    return Bot(token, session=Session(api=api))


class Session(AiohttpSession):
    """aiogram's own, whose classes to read answers by are kept: pydantic makes those anew that nobody holds."""

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        _read_by(method.__returning__)
        return super().check_response(bot, method, status_code, content)


@cache
def _read_by(returning: Any) -> Any:
    return Response[returning]


async def reached(call: Callable[[], Awaitable[Answer]], stop: asyncio.Event) -> Answer | None:
    """What Telegram answers, waiting for it as long as it takes; None when `stop` was set before."""
    for pause in pauses(1.0, 30.0):
        if stop.is_set():
            break
        try:
            return await call()
        except (
            TelegramUnauthorizedError,
            TelegramNotFound,
        ) as unknown:  # a token can be so wrong that there is no page
            raise SettingsError("BOT_TOKEN", "Telegram does not know this token; ask @BotFather for it") from unknown
        except AiogramError as error:
            log.warning("Telegram cannot be reached: %s; next try in %.0f s", error, pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
    return None
