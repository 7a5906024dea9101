from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from inference.queue.options import WorkerOptions
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.queue.transport.redis.link import RedisLink
from inference.queue.transport.redis.offer import Offer
from inference.worker.engine_parent import EngineParent
from tests.inference.queue.delivery_contract import DeliveryContract, SetUp
from tests.inference.queue.test_delivery_local import ROOT, options


class Worker:
    """A worker in this process, its engine a program of its own."""

    def __init__(self, url: str, worker: WorkerOptions, number: int = 1) -> None:
        self.life = keys.new_life(number)
        offer = Offer(code_version="test", host="here", device="cpu", beat=0)
        self.link = RedisLink(url, self.life, offer)
        self.parent = EngineParent(self.link, worker)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.link.open()
        self._task = asyncio.create_task(self.parent.run())

    async def drain(self, grace_seconds: float = 0.0) -> None:
        assert self._task is not None
        self.parent.drain(grace_seconds)
        await self._task
        await self.link.close()


@asynccontextmanager
async def house(url: str, folder: Path) -> AsyncIterator[SetUp]:
    deliveries: list[RedisDelivery] = []
    workers: list[Worker] = []

    async def set_up(**chosen: Any) -> RedisDelivery:
        workers.append(Worker(url, options(folder, **chosen)))
        workers[-1].start()
        deliveries.append(RedisDelivery(url))
        await deliveries[-1].start()
        return deliveries[-1]

    yield set_up
    for delivery in deliveries:
        await delivery.close(0.0)
    for worker in workers:
        await worker.drain()


@pytest.fixture
async def delivery(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SetUp]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    async with house(redis_url, tmp_path) as set_up:
        yield set_up


class TestRedisDelivery(DeliveryContract):
    """Workers elsewhere do what one beside the bot does."""
