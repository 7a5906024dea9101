"""Where Prometheus asks: `GET /metrics` on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.metrics.figures import Figures
from bot.settings import listening

log = logging.getLogger(__name__)


@asynccontextmanager
async def metrics_door(host: str, port: int) -> AsyncIterator[Figures]:
    """Inside, figures are kept and served, also while this bot stands by. Raises SettingsError where the port is
    taken."""
    figures = Figures()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=await figures.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        with listening("METRICS_PORT", host, port):
            await web.TCPSite(runner, host, port).start()
        served = ", ".join(f"http://{address[0]}:{address[1]}/metrics" for address in runner.addresses)
        log.info("figures are served on %s", served)
        yield figures
    finally:
        await runner.cleanup()
