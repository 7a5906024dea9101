from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.inference.queue.delivery_contract import OwnersContract, SetUp
from tests.inference.queue.memory import MemoryDelivery, Sleeper


@pytest.fixture
async def delivery() -> AsyncIterator[SetUp]:
    started: list[MemoryDelivery] = []

    async def set_up(*, slots: int = 4, steps: int = 5, step_seconds: float = 0.005) -> MemoryDelivery:
        delivery = MemoryDelivery(slots)
        delivery.worker = Sleeper(delivery, steps=steps, step_seconds=step_seconds)
        started.append(delivery)
        await delivery.start()
        return delivery

    yield set_up
    for each in started:
        await each.close(0.0)


class TestMemoryDelivery(OwnersContract):
    """What the dispatcher is tested with behaves as what it works with."""
