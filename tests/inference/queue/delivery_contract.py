"""What every Delivery must do, whatever moves the jobs. A test module subclasses this and provides `delivery`.

`delivery` is a fixture that yields a function; called with options of the sleeping engine (slots, steps,
step_seconds), it gives a started delivery, which the fixture closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from inference.queue.transport import Assignment, Delivery, Interrupted, JobEvent
from inference.requests import Cancelled, Failed, Finished, FlashTextToImage, Progress, Started
from tests.waiting import until

SetUp = Callable[..., Awaitable[Delivery]]
LAST = (Finished, Failed, Cancelled, Interrupted)


def assignment(job_id: int, prompt: str = "a cat", *, alone: bool = False, seeds: tuple[int, ...] = (1,)) -> Assignment:
    return Assignment(job_id=job_id, request=FlashTextToImage(prompt=prompt, seeds=seeds), alone=alone)


class Reader:
    """Reads a delivery's reports as the dispatcher does."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, JobEvent]] = []

    async def read(self, delivery: Delivery) -> None:
        async for report in delivery.events():
            self.reports.append((report.job_id, report.event))

    def of(self, job_id: int) -> list[JobEvent]:
        return [event for about, event in self.reports if about == job_id]

    def steps(self, job_id: int) -> int:
        """How many steps of a job have been heard of."""
        return max((event.step for event in self.of(job_id) if isinstance(event, Progress)), default=0)

    def done(self, job_id: int) -> float | None:
        """The part of its work that a cancelled job says was done: as much as was heard of, or a little more."""
        last = self.last_of(job_id)
        of = next((event.of for event in self.of(job_id) if isinstance(event, Progress)), 1)
        assert isinstance(last, Cancelled) and last.done is not None
        assert self.steps(job_id) / of <= last.done <= 1
        return last.done

    def last_of(self, job_id: int) -> JobEvent | None:
        return next((event for event in self.of(job_id) if isinstance(event, LAST)), None)


@asynccontextmanager
async def reading(delivery: Delivery) -> AsyncIterator[Reader]:
    reader = Reader()
    task = asyncio.create_task(reader.read(delivery))
    try:
        yield reader
    finally:
        task.cancel()


async def ready(delivery: Delivery, slots: int) -> None:
    async def offers() -> bool:
        return (await delivery.capacity()).slots == slots

    await until(offers)


async def known(delivery: Delivery) -> frozenset[int]:
    """What it knows once it has found out."""
    jobs = await delivery.known()
    assert jobs is not None
    return jobs


class DeliveryContract:
    async def test_capacity_tells_when_workers_are_there(self, delivery: SetUp) -> None:
        local = await delivery(slots=3)
        await ready(local, 3)

    async def test_a_job_goes_from_started_to_finished_with_progress_between(self, delivery: SetUp) -> None:
        local = await delivery(steps=5)
        await ready(local, 4)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await until(lambda: reader.last_of(1))
        events = reader.of(1)
        assert isinstance(events[0], Started) and isinstance(events[-1], Finished)
        steps = [event.step for event in events if isinstance(event, Progress)]
        assert steps == sorted(steps) and steps[-1] == 5
        assert len([event for event in events if isinstance(event, LAST)]) == 1

    async def test_submitting_twice_runs_once(self, delivery: SetUp) -> None:
        local = await delivery()
        await ready(local, 4)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await local.submit(assignment(1))
            await local.submit(assignment(2))
            await until(lambda: reader.last_of(1) and reader.last_of(2))
        assert [type(event) for event in reader.of(1)].count(Started) == 1
        assert [type(event) for event in reader.of(1)].count(Finished) == 1

    async def test_a_job_can_come_back_after_its_end(self, delivery: SetUp) -> None:
        local = await delivery()
        await ready(local, 4)
        async with reading(local) as reader:
            for times in (1, 2):
                await local.submit(assignment(1))
                await until(lambda times=times: [type(e) for e in reader.of(1)].count(Finished) == times)

                async def unknown() -> bool:
                    return await local.known() == frozenset()

                await until(unknown)

    async def test_a_job_is_known_until_its_last_report_has_been_handled(self, delivery: SetUp) -> None:
        local = await delivery()
        await ready(local, 4)
        await local.submit(assignment(1))
        async for report in local.events():
            assert report.job_id in await known(local), "this report is still being handled"
            if report.job_id == 2:
                assert 1 not in await known(local), "its last report has been handled"
                break
            if isinstance(report.event, Finished):
                await local.submit(assignment(2))

    async def test_a_running_job_stops_when_cancelled_and_others_go_on(self, delivery: SetUp) -> None:
        local = await delivery(steps=60, step_seconds=0.02)
        await ready(local, 4)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await local.submit(assignment(2))
            await until(lambda: any(isinstance(event, Progress) for event in reader.of(1)))
            await local.cancel(1)
            await local.cancel(404)
            await until(lambda: reader.last_of(1) and reader.last_of(2))
        assert reader.last_of(1) == Cancelled(done=reader.done(1)) and isinstance(reader.last_of(2), Finished)
        steps = [event.step for event in reader.of(1) if isinstance(event, Progress)]
        assert max(steps) < 60

    async def test_a_job_that_waits_at_the_worker_never_starts_when_cancelled(self, delivery: SetUp) -> None:
        local = await delivery(slots=1, steps=20, step_seconds=0.02)
        await ready(local, 1)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await local.submit(assignment(2))
            await local.cancel(2)
            await until(lambda: reader.last_of(1) and reader.last_of(2))
        assert reader.of(2) == [Cancelled(done=0.0)]

    async def test_who_is_cancelled_gives_the_pictures_that_are_whole_and_what_ran(self, delivery: SetUp) -> None:
        local = await delivery(steps=160, step_seconds=0.02)
        await ready(local, 4)
        async with reading(local) as reader:
            for job_id in (1, 2):
                await local.submit(assignment(job_id, seeds=(5, 6, 7, 8)))
            await until(lambda: reader.steps(1) >= 40)  # every fortieth makes a picture whole
            await local.cancel(1)
            await until(lambda: reader.last_of(1) and reader.last_of(2))
        stopped, finished = reader.last_of(1), reader.last_of(2)
        assert isinstance(stopped, Cancelled) and isinstance(finished, Finished)
        assert stopped.done is not None and 0.25 <= stopped.done < 1
        assert stopped.pictures == finished.pictures[: int(4 * stopped.done)], "as they would have been in the end"

    async def test_a_job_has_one_last_word_however_often_it_is_cancelled(self, delivery: SetUp) -> None:
        local = await delivery(steps=3)
        await ready(local, 4)
        async with reading(local) as reader:
            for job_id in range(1, 9):
                await local.submit(assignment(job_id))
                await until(lambda job_id=job_id: reader.steps(job_id) >= job_id % 4)
                for _ in range(3):
                    await local.cancel(job_id)

            async def handled() -> bool:
                return await local.known() == frozenset()

            await until(handled)
            await local.submit(assignment(99))
            await until(lambda: reader.last_of(99))
        for job_id in range(1, 9):
            last = [event for event in reader.of(job_id) if isinstance(event, LAST)]
            assert len(last) == 1 and isinstance(last[0], Cancelled | Finished), last

    async def test_what_is_through_when_it_is_cancelled_is_finished(self, delivery: SetUp) -> None:
        local = await delivery(steps=1)
        await ready(local, 4)
        await local.submit(assignment(1))
        async for report in local.events():
            if isinstance(report.event, Finished):
                await local.cancel(1)  # its last report is being handled
                await local.submit(assignment(2))
            if report.job_id == 2 and isinstance(report.event, LAST):
                break
            assert report.job_id == 2 or isinstance(report.event, Started | Progress | Finished)

    async def test_a_suspect_shares_the_engine_with_nobody(self, delivery: SetUp) -> None:
        local = await delivery(steps=5, step_seconds=0.02)
        await ready(local, 4)
        async with reading(local) as reader:
            for job in (assignment(1), assignment(2, alone=True), assignment(3), assignment(4)):
                await local.submit(job)
            await until(lambda: all(reader.last_of(job_id) for job_id in (1, 2, 3, 4)))
        turns = [(job_id, type(event)) for job_id, event in reader.reports if not isinstance(event, Progress)]
        assert turns[:4] == [(1, Started), (1, Finished), (2, Started), (2, Finished)]

    async def test_a_crash_is_reported_with_who_was_inside(self, delivery: SetUp) -> None:
        local = await delivery(steps=400, step_seconds=0.01)
        await ready(local, 4)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await until(lambda: any(isinstance(event, Progress) for event in reader.of(1)))
            await local.submit(assignment(2, "poison"))
            await until(lambda: reader.last_of(1) and reader.last_of(2))
            for job_id in (1, 2):
                assert reader.last_of(job_id) == Interrupted(cause="engine_crashed", alone=False)
            await ready(local, 4)
            await local.submit(assignment(3, "poison"))
            await until(lambda: reader.last_of(3))
            assert reader.last_of(3) == Interrupted(cause="engine_crashed", alone=True)
            await ready(local, 4)


class OwnersContract(DeliveryContract):
    """What is more of a Delivery whose workers are its own: it ends them."""

    async def test_closing_lets_a_running_job_end_and_gives_the_rest_back(self, delivery: SetUp) -> None:
        local = await delivery(slots=1, steps=20, step_seconds=0.02)
        await ready(local, 1)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await until(lambda: reader.last_of(1))  # so that the worker has been idle before
            await local.submit(assignment(2))
            await local.submit(assignment(3))
            await until(lambda: Started() in reader.of(2))
            await local.close(20.0)
            await until(lambda: reader.last_of(2) and reader.last_of(3))
        assert isinstance(reader.last_of(2), Finished)
        assert reader.of(3) == [Interrupted(cause="drained", alone=False)]
        assert (await local.capacity()).slots == 0

    async def test_what_does_not_end_within_the_grace_is_given_back(self, delivery: SetUp) -> None:
        local = await delivery(steps=100_000, step_seconds=0.01)
        await ready(local, 4)
        async with reading(local) as reader:
            await local.submit(assignment(1))
            await until(lambda: Started() in reader.of(1))
            await local.close(0.1)
            await until(lambda: reader.last_of(1))
        assert reader.last_of(1) == Interrupted(cause="drained", alone=False)
