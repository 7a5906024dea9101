"""While another bot leads: the webhook's door says so and lets nothing in; without one the sign of life says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from aiohttp import web

from bot.settings import Settings, listening
from inference.queue.health import Pulse

BEAT_SECONDS = 5.0
WORDS = "another bot leads; this one stands by"


@asynccontextmanager
async def closed_door(settings: Settings) -> AsyncIterator[None]:
    """Inside, where the webhook is to listen everything is answered with 503, `GET /health` too, so that a proxy brings
    updates to the bot that leads, and Telegram brings again what came here. Raises SettingsError where the port is
    taken. Where updates are asked for nothing listens, and `python -m bot health` reads of it in a file."""
    if settings.webhook_url is None:
        beating = asyncio.create_task(_beat(Pulse(settings.health_file)), name="standing by")
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
        return
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", _closed)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        with listening("WEBHOOK_PORT", settings.webhook_host, settings.webhook_port):
            await web.TCPSite(runner, settings.webhook_host, settings.webhook_port).start()
        yield
    finally:
        await runner.cleanup()


async def _closed(_request: web.Request) -> web.Response:
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=f"{WORDS}\n")


async def _beat(pulse: Pulse) -> None:
    try:
        while True:
            pulse.beat(WORDS, ready=False)
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        pulse.stop()
