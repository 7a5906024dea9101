"""What every house needs and no test of a house is about, made once for all of them."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from bot.imaging.nursery import Nursery
from bot.store.migration import upgrade
from inference.queue.database import open_database

Answer = TypeVar("Answer")


def migrated(path: Path) -> str:
    """The URL of an SQLite database that lies there; if there was none, of one with all tables and no rows."""
    if not path.exists():
        path.write_bytes(_empty_database())
    return f"sqlite+aiosqlite:///{path}"


@cache
def shared_nursery() -> SharedNursery:
    return SharedNursery()


class SharedNursery(Nursery):
    """The process that makes the processes for pictures, for all houses of a test run: its loop is of its own, and
    closing a house leaves it up."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="nursery of all houses", daemon=True).start()

    async def start(self) -> None:
        await self._there(super().start())

    async def ask(self, request: dict[str, Any], clock: float, most: int) -> tuple[dict[str, Any], list[bytes]]:
        return await self._there(super().ask(request, clock, most))

    async def close(self) -> None:
        pass

    async def _there(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as elsewhere:
        path = Path(folder) / "empty.db"
        elsewhere.submit(asyncio.run, _make(path)).result()  # this thread may have a loop that runs
        return path.read_bytes()


async def _make(path: Path) -> None:
    database = open_database(f"sqlite+aiosqlite:///{path}")
    await upgrade(database)
    await database.dispose()
