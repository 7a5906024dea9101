"""Updates by webhook: an HTTP server on the loopback interface, behind whatever terminates TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiogram import Bot, Dispatcher
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
MAX_UPDATE_BYTES = 1 << 20


async def serve_webhook(
    bot: Bot,
    dispatcher: Dispatcher,
    stop: asyncio.Event,
    *,
    url: str,
    secret: str,
    host: str,
    port: int,
    allowed_updates: Sequence[str],
    drain_seconds: float = 10.0,
) -> None:
    """Handles updates posted to the path of `url` until `stop` is set, then waits for the handlers that still run.

    An update is answered with 200 once it is handled, so that Telegram delivers again what a crash cut short. Requests
    without the secret get a 401. `GET /health` answers 200. The webhook stays set: updates wait for the next start.
    """
    runner = web.AppRunner(
        _application(bot, dispatcher, urlsplit(url).path, secret), access_log=None, shutdown_timeout=drain_seconds
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await bot.set_webhook(url, secret_token=secret, allowed_updates=list(allowed_updates))
        served = ", ".join(f"{address[0]}:{address[1]}" for address in runner.addresses)
        log.info("webhook %s, served on %s", url, served)
        await stop.wait()
    finally:
        await runner.cleanup()


def _application(bot: Bot, dispatcher: Dispatcher, path: str, secret: str) -> web.Application:
    application = web.Application(client_max_size=MAX_UPDATE_BYTES)
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=secret)
    # Not handler.register(): its shutdown hook would close the bot's session under the last handlers.
    application.router.add_post(path, handler.handle)
    application.router.add_get("/health", _health)
    return application


async def _health(_request: web.Request) -> web.Response:
    return web.Response(text="ok")
