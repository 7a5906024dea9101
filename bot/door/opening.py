"""Opening the door at the address of the settings."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.door.house import House
from bot.door.keys import Keys, keys_in
from bot.door.means import Means
from bot.settings import Settings, listening
from inference.api.application import Answered, Heard
from inference.api.serving import served

__all__ = ["Answered", "opened"]

log = logging.getLogger(__name__)

LEFT_BEHIND_SECONDS = 3600.0  # no body takes as long to come


@asynccontextmanager
async def opened(settings: Settings, means: Means, heard: Heard | None = None) -> AsyncIterator[int | None]:
    """Inside, programs are let in at `API_PORT`; the port, None where the door stays shut. `heard` is told of every
    request. On leaving, whoever waits is told to come again. Raises SettingsError."""
    if settings.api_port is None:
        yield None
        return
    of_file = await asyncio.to_thread(keys_in, settings.api_keys_file) if settings.api_keys_file is not None else {}
    await asyncio.to_thread(_clear, means.folder)
    house = House(means, Keys(means.history, settings, of_file))
    try:
        async with AsyncExitStack() as stack:
            with listening("API_PORT", settings.api_host, settings.api_port):
                served_here = served(house, settings.api_host, settings.api_port, heard=heard)
                port = await stack.enter_async_context(served_here)
            stack.callback(house.close)
            log.info("programs are let in at %s:%d", settings.api_host, port)
            yield port
    finally:
        await house.gone()


def _clear(folder: Path) -> None:
    """Makes the folder for files on their way; what a killed program has left there goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.part"):
        if left.stat().st_mtime < time.time() - LEFT_BEHIND_SECONDS:
            left.unlink(missing_ok=True)
