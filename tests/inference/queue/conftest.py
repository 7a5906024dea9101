from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

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
