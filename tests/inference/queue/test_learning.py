"""What jobs have taken, as the ledger keeps it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.fairness import Limits
from inference.queue.foresight import KEPT
from inference.queue.jobs import WaitTooLong
from inference.queue.ledger import Ledger
from inference.queue.tables import speeds
from inference.queue.timings import Timing, Timings
from inference.requests import AnyRequest, Finished, Look, Note, Sheet
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import DONE, FLASH, FULL, offering, queued, released

HERE, THERE = "a" * 64, "b" * 64
UNITS = FLASH.cost + 10 * FLASH.developed


def timed(basis: str, seconds: float) -> Timings:
    """Flash as it was timed on a basis: so many seconds for FLASH."""
    timing = Timing(a_pass=seconds / UNITS, developing=10 * seconds / UNITS, once=0.0)
    return Timings(basis=basis, kinds={"flash": timing})


def meet(ledger: Ledger, timings: Timings) -> bool:
    return ledger.meet([offering(1, timings=timings)])


async def done(ledger: Ledger, seconds: float, times: int = 1) -> None:
    """FLASH is drawn so often, and takes so long."""
    for _ in range(times):
        job_id = await queued(ledger, 1)
        assert await released(ledger, 1) == [job_id]
        await ledger.started(job_id)
        assert await ledger.finish(job_id, DONE, seconds) == DONE


async def sent(ledger: Ledger, request: AnyRequest) -> int:
    """A job of that request, which has been given to the worker."""
    job_id = await queued(ledger, 1, request)
    assert await released(ledger, 1) == [job_id]
    return job_id


async def test_the_worker_s_own_timing_foretells_the_first_job_and_the_queue(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    assert await ledger.estimate(FLASH) is None
    assert meet(ledger, timed(HERE, 12.0)) and not meet(ledger, timed(HERE, 12.0))
    assert await ledger.estimate(FLASH) == pytest.approx(12.0)
    first, second = await queued(ledger, 1), await queued(ledger, 2)
    outlooks = await ledger.outlooks()
    assert outlooks[first].eta_seconds == pytest.approx(12.0) and outlooks[second].eta_seconds == pytest.approx(24.0)
    assert await released(ledger, 1) == [first]
    assert await ledger.expected(first) == pytest.approx(12.0)


async def test_jobs_correct_the_timing_and_a_restart_remembers_them(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    meet(ledger, timed(HERE, 12.0))
    await done(ledger, 36.0, 5)
    assert await ledger.estimate(FLASH) == pytest.approx(36.0)
    again = Ledger(database)
    assert await again.estimate(FLASH) == pytest.approx(36.0), "on the basis of the last job, before a worker is there"
    meet(again, timed(HERE, 12.0))
    assert await again.estimate(FLASH) == pytest.approx(36.0)


async def test_a_sheet_is_foretold_picture_by_picture_and_teaches_how_long_one_takes(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    reading = Timing(a_pass=1.0, developing=1.0, once=20.0)  # words, by the processor: anew for each picture of a sheet
    meet(ledger, Timings(basis=HERE, kinds={"flash": reading}))
    sheet = Sheet(of=FLASH, looks=tuple(Look(suffix=f"look {number}") for number in range(4)))
    one = FLASH.cost + FLASH.developed + 20.0
    assert await ledger.estimate(FLASH) == pytest.approx(one)
    assert await ledger.estimate(sheet) == pytest.approx(4 * one)
    first, second = await queued(ledger, 1, sheet), await queued(ledger, 2)
    outlooks = await ledger.outlooks()
    assert outlooks[first].eta_seconds == pytest.approx(4 * one)
    assert outlooks[second].eta_seconds == pytest.approx(5 * one)
    assert await released(ledger, 1) == [first] and await ledger.expected(first) == pytest.approx(4 * one)
    ledger.progress[first] = 0.5
    behind = await ledger.outlook(second)
    assert behind is not None and behind.eta_seconds == pytest.approx(3 * one)
    await ledger.started(first)
    await ledger.finish(first, DONE, 4 * 3 * one)
    await ledger.cancel(second)
    for _ in range(2):
        await ledger.started(job_id := await sent(ledger, sheet))
        await ledger.finish(job_id, DONE, 4 * 3 * one)
    assert await ledger.estimate(FLASH) == pytest.approx(3 * one)
    assert await ledger.estimate(sheet) == pytest.approx(12 * one)


async def test_what_becomes_a_sheet_must_not_wait_too_long(database: AsyncEngine) -> None:
    reading = Timing(a_pass=0.0, developing=0.0, once=20.0)
    ledger = Ledger(database, limits=Limits(max_wait_seconds=60.0))
    meet(ledger, Timings(basis=HERE, kinds={"flash": reading}))
    job_id = await queued(ledger, 1)
    looks = tuple(Look(suffix=f"look {number}") for number in range(4))
    await ledger.reword(job_id, Sheet(of=FLASH, looks=looks[:2]), {})
    with pytest.raises(WaitTooLong):
        await ledger.reword(job_id, Sheet(of=FLASH, looks=looks), {})
    with pytest.raises(WaitTooLong):
        await queued(ledger, 2, Sheet(of=FLASH, looks=looks[:2]))
    await queued(ledger, 2)


async def test_another_machine_or_other_weights_begin_anew_and_the_old_ones_are_not_forgotten(
    database: AsyncEngine,
) -> None:
    ledger = Ledger(database)
    meet(ledger, timed(HERE, 12.0))
    await done(ledger, 36.0, 3)
    meet(ledger, timed(THERE, 2.0))
    assert await ledger.estimate(FLASH) == pytest.approx(2.0)
    await done(ledger, 1.0, 3)
    assert await ledger.estimate(FLASH) == pytest.approx(1.0)
    meet(ledger, timed(HERE, 12.0))
    assert await ledger.estimate(FLASH) == pytest.approx(36.0)


async def test_what_is_kept_has_an_end_in_number_and_in_time(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock)
    meet(ledger, Timings(basis=HERE))
    await done(ledger, 3.0, KEPT + 4)
    meet(ledger, Timings(basis=THERE))
    await done(ledger, 3.0)

    async def rows() -> dict[str, int]:
        async with database.connect() as connection:
            return {row.basis: len(row.recent) for row in (await connection.execute(select(speeds))).all()}

    assert await rows() == {HERE: KEPT, THERE: 1}
    clock.now += 500 * 24 * 3600
    meet(ledger, Timings(basis="c" * 64))
    await done(ledger, 3.0)
    assert await rows() == {"c" * 64: 1}


@pytest.mark.parametrize(
    "stored", ["{}", "[]", "null", '"words"', "[1, 2]", '[["a", 1, 1], [0, 1, 1], [true, 1, 1], [1, 1], [-3, 1, 1]]']
)
async def test_a_row_that_holds_something_else_counts_as_empty(database: AsyncEngine, stored: str) -> None:
    async with database.begin() as connection:
        row = {"basis": HERE, "kind": "flash", "recent": json.loads(stored), "measured_at": 1.0}
        await connection.execute(insert(speeds), row)
    ledger = Ledger(database)
    meet(ledger, timed(HERE, 12.0))
    assert await ledger.estimate(FLASH) == pytest.approx(12.0)
    await done(ledger, 24.0, 4)
    assert await ledger.estimate(FLASH) == pytest.approx(24.0)


async def test_time_that_is_none_teaches_nothing(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        await done(ledger, seconds)
    assert await ledger.estimate(FLASH) is None


async def test_a_job_that_ran_out_of_time_says_nothing_of_how_long_one_takes(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    meet(ledger, timed(HERE, 12.0))
    job_id = await queued(ledger, 1)
    await released(ledger, 1)
    await ledger.started(job_id)
    late = Finished(notes=(Note(code="prompt_cut"), Note(code="timed_out")))
    assert await ledger.finish(job_id, late, 600.0) == late
    assert await ledger.estimate(FLASH) == pytest.approx(12.0)


async def test_who_would_wait_too_long_by_the_timing_is_refused_and_told_how_long(database: AsyncEngine) -> None:
    ledger = Ledger(database, limits=Limits(max_wait_seconds=30.0))
    meet(ledger, timed(HERE, 12.0))
    await queued(ledger, 1)
    await queued(ledger, 2)
    with pytest.raises(WaitTooLong) as refused:
        await queued(ledger, 3)
    assert refused.value.eta_seconds == pytest.approx(36.0)


async def test_words_that_are_changed_while_they_wait_are_foretold_as_what_they_are_now(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    meet(ledger, timed(HERE, 12.0))
    job_id = await queued(ledger, 1, FULL)
    many = FLASH.model_copy(update={"seeds": (1, 2, 3)})
    assert await ledger.reword(job_id, many, {}) is not None
    outlook = await ledger.outlook(job_id)
    assert outlook is not None and outlook.eta_seconds == pytest.approx(36.0)


async def test_a_job_of_before_is_foretold_without_its_developing(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    job_id = await queued(ledger, 1)
    async with database.begin() as connection:
        await connection.execute(text("update jobs set developed = 0"))
    meet(ledger, timed(HERE, 12.0))
    outlook = await ledger.outlook(job_id)
    assert outlook is not None and outlook.eta_seconds == pytest.approx(12.0 * FLASH.cost / UNITS)
