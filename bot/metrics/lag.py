"""How late the event loop is, for everybody who waits for their turn in it."""

from __future__ import annotations

import asyncio

from prometheus_client import Histogram

EVERY_SECONDS = 0.25


async def measure_lag(lag: Histogram) -> None:
    """Asks to be woken again and again, and notes how much later that happens."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        lag.observe(max(0.0, loop.time() - due))
