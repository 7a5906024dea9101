from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.database import open_database
from inference.queue.tables import metadata
from inference.queue.transport.redis import keys
from tests.redis_server import RedisServer


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    database = open_database(database_url)
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
async def redis_url(redis_process: RedisServer) -> str:
    """An empty server that a bot has used before, so that nobody waits for workers who may come back."""
    client = Redis.from_url(redis_process.url)
    await client.flushall()
    await client.set(keys.MARKER, "used")
    await client.aclose()
    return redis_process.url
