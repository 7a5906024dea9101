"""How updates come in: asked for, or brought to the door, as the settings say."""

from __future__ import annotations

import asyncio

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramUnauthorizedError

from bot.settings import Settings, SettingsError, listening
from bot.telegram.connection import reached
from bot.telegram.inbox import Inbox
from bot.telegram.polling import poll
from bot.telegram.webhook import serve_webhook
from inference.queue.health import Pulse


async def receive(bot: Bot, inbox: Inbox, settings: Settings, stop: asyncio.Event, allowed_updates: list[str]) -> None:
    """Takes updates of these kinds into the inbox until `stop` is set. Raises SettingsError where Telegram refuses the
    token or the address, and where the port is taken."""
    if settings.webhook_url is None:
        await reached(bot.delete_webhook, stop)  # Telegram refuses polls while one is set
        pulse = Pulse(settings.health_file)
        try:
            await poll(
                bot,
                inbox,
                stop,
                allowed_updates=allowed_updates,
                on_answer=lambda: pulse.beat("Telegram has answered getUpdates"),
            )
        except TelegramUnauthorizedError as revoked:
            raise SettingsError("BOT_TOKEN", "Telegram no longer knows this token; ask @BotFather for it") from revoked
        finally:
            pulse.stop()
        return
    try:
        with listening("WEBHOOK_PORT", settings.webhook_host, settings.webhook_port):
            await serve_webhook(
                bot,
                inbox,
                stop,
                url=settings.webhook_url,
                secret=settings.webhook_secret_value,
                host=settings.webhook_host,
                port=settings.webhook_port,
                allowed_updates=allowed_updates,
            )
    except TelegramBadRequest as refused:
        raise SettingsError("WEBHOOK_URL", f"Telegram refuses it: {refused.message}") from refused
