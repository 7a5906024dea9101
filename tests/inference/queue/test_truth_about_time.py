"""What people are told of a job's time, through ledger and dispatcher, over a device whose speed a test chooses."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.dispatcher import Dispatcher
from inference.queue.fairness import Limits
from inference.queue.ledger import Ledger
from inference.queue.timings import Timing, Timings
from inference.queue.transport import JobEvent
from inference.requests import AnyRequest, Event, Finished, FlashTextToImage, Progress, Started, TextToImage
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import queued
from tests.inference.queue.memory import MemoryDelivery
from tests.waiting import until

STEPS = 5
DONE = Finished(pictures=())


class Device:
    """Draws one job after the other, as fast as it is told, by a clock that only it moves on."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock, self.delivery = ledger, clock, MemoryDelivery(slots=1)
        self.slower = 1.0  # than a second a megapixel pass
        self.heard: list[tuple[int, Event]] = []
        self.queue = Dispatcher(ledger, self.delivery, tick_seconds=0.01, monotonic=clock)
        self.queue.listen(lambda job_id, event: self.heard.append((job_id, event)))
        self._rng = random.Random(7)

    def seconds(self, request: AnyRequest) -> float:
        """What drawing takes, loading left out: no two jobs just as long."""
        noise = self._rng.uniform(0.9, 1.1)
        return (request.cost + 5.0 * request.developed + 0.1) * self.slower * noise

    async def draw(
        self, request: AnyRequest, *, loading: float = 0.0, hiccup: float = 0.0
    ) -> tuple[float | None, float]:
        """Seconds that were foretold when it was ordered, and seconds that it took."""
        foretold, real = await self.ledger.estimate(request), self.seconds(request) + hiccup
        job_id = await queued(self.ledger, 1, request)
        self.queue.wake()
        await until(lambda: job_id in self.delivery.held)
        await self._say(job_id, Started())
        if loading:
            await self._say(job_id, Progress(stage="loading", step=0, of=STEPS), loading)
        for step in range(STEPS):
            await self._say(job_id, Progress(stage="drawing", step=step, of=STEPS), real / STEPS)
        await self._say(job_id, DONE)
        return foretold, real

    async def _say(self, job_id: int, event: JobEvent, seconds: float = 0.0) -> None:
        before = len(self.heard)
        self.delivery.report(job_id, event)
        await until(lambda: any(told == job_id and type(one) is type(event) for told, one in self.heard[before:]))
        self.clock.now += seconds


@pytest.fixture
async def device(database: AsyncEngine, clock: Clock) -> AsyncIterator[Device]:
    limits = Limits(waiting_per_person=100, max_wait_seconds=1e9)
    device = Device(Ledger(database, limits=limits, clock=clock), clock)
    await device.queue.start()
    yield device
    await device.queue.close(0.0)


def flash(pictures: int = 1, side: int = 512) -> AnyRequest:
    return FlashTextToImage(prompt="a cat", width=side, height=side, seeds=tuple(range(pictures)))


def full(steps: int = 50) -> AnyRequest:
    return TextToImage(prompt="a cat", width=512, height=512, seeds=(1,), steps=steps)


def off(foretold: float | None, real: float) -> float:
    assert foretold is not None
    return max(foretold / real, real / foretold)


async def ten(device: Device, wanted: Callable[[int], AnyRequest], slow_from: int = 99, **first: Any) -> None:
    """Ten jobs, the machine twice as slow from one of them on."""
    for number in range(10):
        device.slower = 2.0 if number >= slow_from else 1.0
        await device.draw(wanted(number), **(first if number == 0 else {}))


async def test_loading_is_no_part_of_what_is_foretold(device: Device) -> None:
    await ten(device, lambda number: flash(), loading=300.0)
    assert off(*await device.draw(flash())) < 1.5
    await ten(device, lambda number: full(), loading=300.0)
    assert off(*await device.draw(full())) < 1.5


async def test_a_first_job_that_was_slow_for_no_reason_misleads_nobody_after_ten(device: Device) -> None:
    await ten(device, lambda number: flash(), hiccup=600.0)
    assert off(*await device.draw(flash())) < 1.5


async def test_sizes_and_numbers_vary(device: Device) -> None:
    await ten(device, lambda number: flash((1, 4, 10)[number % 3], (256, 512, 1024)[number % 2]))
    for pictures in (1, 4, 10):
        for side in (256, 768, 1024):
            assert off(*await device.draw(flash(pictures, side))) < 1.5, (pictures, side)


async def test_two_kinds_take_turns(device: Device) -> None:
    await ten(device, lambda number: flash() if number % 2 else full())
    await ten(device, lambda number: flash() if number % 2 else full(10))
    for request in (flash(), full(), full(10), full(100)):
        assert off(*await device.draw(request)) < 1.5, request


@pytest.mark.parametrize("slow_from", [3, 5, 6])
async def test_a_machine_that_becomes_twice_as_slow_is_believed_to_be(device: Device, slow_from: int) -> None:
    await ten(device, lambda number: flash(), slow_from)
    assert off(*await device.draw(flash())) < 1.5


async def test_a_worker_s_own_timing_foretells_the_very_first_job_and_the_time_that_is_left(device: Device) -> None:
    timing = Timing(a_pass=1.0, developing=5.0, once=0.1)
    device.delivery.timings = Timings(basis="a" * 64, kinds={"flash": timing, "full": timing})
    await until(lambda: device.ledger.estimate(flash()))
    for request in (flash(), full(), flash(4)):
        assert off(*await device.draw(request, loading=100.0)) < 1.5
    left = [event.eta_seconds for _, event in device.heard if isinstance(event, Progress) and event.stage == "drawing"]
    loading = [
        event.eta_seconds for _, event in device.heard if isinstance(event, Progress) and event.stage == "loading"
    ]
    assert loading == [None] * 3 and len(left) == 3 * STEPS
    for number, request in enumerate((flash(), full(), flash(4))):
        for step, told in enumerate(left[number * STEPS : (number + 1) * STEPS]):
            assert off(told, device.seconds(request) * (1 - step / STEPS)) < 1.5
