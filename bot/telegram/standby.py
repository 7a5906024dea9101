"""The webhook's door while another bot leads: it says so, and lets nothing in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from bot.settings import Settings, SettingsError


@asynccontextmanager
async def closed_door(settings: Settings) -> AsyncIterator[None]:
    """Inside, where the webhook is to listen everything is answered with 503, `GET /health` too, so that a proxy brings
    updates to the bot that leads, and Telegram brings again what came here. Raises SettingsError where the port is
    taken. Nothing listens where updates are asked for."""
    if settings.webhook_url is None:
        yield
        return
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", _closed)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.webhook_host, settings.webhook_port).start()
        except OSError as taken:
            advice = f"cannot listen on {settings.webhook_port}: {taken.strerror}"
            raise SettingsError("WEBHOOK_PORT", advice) from taken
        yield
    finally:
        await runner.cleanup()


async def _closed(_request: web.Request) -> web.Response:
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="another bot leads; this one stands by\n")
