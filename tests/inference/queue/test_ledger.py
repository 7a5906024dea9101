from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.fairness import Limits
from inference.queue.jobs import STATES, TERMINAL, QueueFull, TooManyWaiting, WaitTooLong
from inference.queue.ledger import Ledger
from inference.queue.tables import jobs, owners
from inference.requests import Cancelled, Failed
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import (
    CRASH_ALONE,
    CRASH_IN_COMPANY,
    DONE,
    DRAINED,
    FLASH,
    FULL,
    WORKER_GONE,
    accepted,
    handed,
    queued,
    released,
    state,
)

TRANSIENT = Failed(code="internal", message="out of luck", retryable=True)
FINAL = Failed(code="invalid_request", message="no")


@pytest.fixture
def ledger(database: AsyncEngine, clock: Clock) -> Ledger:
    return Ledger(database, clock=clock)


async def virtual_time(database: AsyncEngine, owner: int) -> float:
    async with database.connect() as connection:
        row = await connection.execute(select(owners.c.virtual_time).where(owners.c.owner_id == owner))
        return float(row.scalar_one())


async def test_a_job_keeps_what_it_was_given(ledger: Ledger, clock: Clock) -> None:
    job = await accepted(
        ledger, 7, FULL, chat_id=-100, context={"language": "ru"}, key="again:5", reply_to=5, priority=2
    )
    assert (job.state, job.message_id, job.created_at) == ("new", None, clock.now)
    announced = await ledger.announce(job.id, 55)
    assert announced is not None
    assert announced.request == FULL and announced.context == {"language": "ru"}
    assert (announced.key, announced.reply_to) == ("again:5", 5)
    assert (announced.owner_id, announced.chat_id, announced.message_id, announced.priority) == (7, -100, 55, 2)
    assert announced.cost == FULL.cost and announced.state == "queued" and not announced.settled
    assert await ledger.announce(job.id, 56) is None, "a job is announced once"
    await ledger.move_message(job.id, 57)
    moved = await ledger.job(job.id)
    assert moved is not None and moved.message_id == 57


async def test_a_job_that_waits_is_reworded_in_its_place_and_one_that_has_begun_is_not(ledger: Ledger) -> None:
    begun = await queued(ledger)
    await handed(ledger, 1)
    first = await queued(ledger, reply_to=5, key="again:5")
    second = await queued(ledger, reply_to=6)
    places = list(await ledger.outlooks())
    reworded = await ledger.reword(first, FULL, {"line": "new"})
    assert reworded is not None
    assert (reworded.request, reworded.context, reworded.cost) == (FULL, {"line": "new"}, FULL.cost)
    assert (reworded.id, reworded.reply_to, reworded.key, reworded.state) == (first, 5, "again:5", "queued")
    assert list(await ledger.outlooks()) == places == [first, second]
    await ledger.finish(begun, DONE)
    [assignment] = await handed(ledger, 1)
    assert (assignment.job_id, assignment.request) == (first, FULL)
    for over in (begun, first):  # ended, on its way
        assert await ledger.reword(over, FLASH, {}) is None


async def test_a_message_is_known_by_the_last_job_that_it_has_ordered_for_its_sender_in_its_chat(
    ledger: Ledger,
) -> None:
    await queued(ledger, 7, reply_to=5)
    last = await queued(ledger, 7, reply_to=5)
    await queued(ledger, 8, chat_id=7, reply_to=5)
    known = await ledger.ordered_by(7, 7, 5)
    assert known is not None and known.id == last
    assert await ledger.ordered_by(7, 8, 5) is None
    assert await ledger.ordered_by(7, 7, 6) is None


async def test_a_redelivered_update_gives_the_job_it_made(ledger: Ledger) -> None:
    fields: dict[str, Any] = {"owner_id": 1, "chat_id": 1, "request": FLASH, "context": {}}
    first = await ledger.accept(update_id=42, **fields)
    again = await ledger.accept(update_id=42, **fields)
    assert first.fresh and not again.fresh and again.job.id == first.job.id


async def test_the_same_update_at_the_same_moment_makes_one_job(database: AsyncEngine, database_url: str) -> None:
    ledgers = [Ledger(database), Ledger(database)]
    fields: dict[str, Any] = {"update_id": 42, "owner_id": 1, "chat_id": 1, "request": FLASH, "context": {}}
    answers = await asyncio.gather(*(ledgers[number % 2].accept(**fields) for number in range(8)))
    assert sum(answer.fresh for answer in answers) == 1
    assert len({answer.job.id for answer in answers}) == 1


async def test_an_update_id_that_telegram_gives_out_again_after_days_is_a_new_job(ledger: Ledger, clock: Clock) -> None:
    fields: dict[str, Any] = {"update_id": 42, "owner_id": 1, "chat_id": 1, "request": FLASH, "context": {}}
    old = await ledger.accept(**fields)
    clock.now += 1.9 * 24 * 3600
    assert not (await ledger.accept(**fields)).fresh
    await ledger.cancel(old.job.id)
    clock.now += 0.2 * 24 * 3600
    new = await ledger.accept(**fields)
    assert new.fresh and new.job.id != old.job.id
    kept = await ledger.job(old.job.id)
    assert kept is not None and kept.update_id is None


async def test_a_clock_that_is_set_right_makes_no_second_job_of_one_that_has_not_ended(
    ledger: Ledger, clock: Clock
) -> None:
    """A machine without a battery for its clock begins in 1970, and is killed before it knows better."""
    fields: dict[str, Any] = {"update_id": 42, "owner_id": 1, "chat_id": 1, "request": FLASH, "context": {}}
    first = await ledger.accept(**fields)
    clock.now += 50 * 365 * 24 * 3600
    again = await ledger.accept(**fields)
    assert not again.fresh and again.job.id == first.job.id


async def test_limits_refuse_with_what_they_are(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock, limits=Limits(waiting_per_person=2, queue_cap=3))
    for owner in (1, 1, 2):
        await queued(ledger, owner)
    with pytest.raises(TooManyWaiting) as mine:
        await queued(ledger, 1)
    with pytest.raises(QueueFull) as everybody:
        await queued(ledger, 3)
    assert (mine.value.limit, everybody.value.limit) == (2, 3)
    assert len(await ledger.active()) == 3, "a refused job leaves nothing behind"
    await released(ledger, slots=1)
    await queued(ledger, 1)  # what runs does not wait


async def test_a_wait_that_is_too_long_is_refused_with_its_length(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock, limits=Limits(max_wait_seconds=100.0, waiting_per_person=9))
    first = await queued(ledger)
    await released(ledger)
    await ledger.finish(first, DONE, device_seconds=30.0)  # so each such job takes 30 s
    for owner in (1, 1, 1):
        await queued(ledger, owner)
    with pytest.raises(WaitTooLong) as refusal:
        await queued(ledger, 1, FLASH.model_copy(update={"seeds": (1, 2)}))
    assert refusal.value.eta_seconds == pytest.approx(150.0)
    await queued(ledger, 2)  # a newcomer is served between the others' jobs


async def test_a_job_that_waits_may_not_grow_until_its_wait_is_too_long(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock, limits=Limits(max_wait_seconds=100.0, waiting_per_person=9))
    first = await queued(ledger)
    await released(ledger)
    await ledger.finish(first, DONE, device_seconds=30.0)
    waiting = await queued(ledger)
    last = await queued(ledger)
    with pytest.raises(WaitTooLong) as refusal:
        await ledger.reword(last, FLASH.model_copy(update={"seeds": (1, 2, 3)}), {})
    assert refusal.value.eta_seconds == pytest.approx(120.0)
    stands = await ledger.job(last)
    assert stands is not None and stands.request == FLASH
    two = FLASH.model_copy(update={"seeds": (1, 2)})
    assert await ledger.reword(last, two, {}) is not None  # 90 s
    ledger.limits = Limits(max_wait_seconds=1.0)
    assert await ledger.reword(waiting, FLASH.model_copy(update={"prompt": "a dog"}), {}) is not None  # no more work
    assert await ledger.reword(first, two, {}) is None


async def test_speeds_outlive_the_process(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock)
    for seconds in (10.0, 20.0):
        job_id = await queued(ledger)
        await released(ledger)
        await ledger.finish(job_id, DONE, device_seconds=seconds)
    waiting = await queued(ledger)
    outlook = await Ledger(database, clock=clock).outlook(waiting)
    assert outlook is not None and outlook.eta_seconds == pytest.approx(200**0.5)  # the mean of the two, as a ratio


async def test_the_way_of_a_job_that_goes_well(ledger: Ledger, clock: Clock) -> None:
    job_id = await queued(ledger)
    [assignment] = await handed(ledger, 4)
    assert assignment.job_id == job_id and assignment.request == FLASH and not assignment.alone
    assert await handed(ledger, 4) == [], "released once"
    assert await state(ledger, job_id) == "sent"
    assert await ledger.started(job_id) and not await ledger.started(job_id)
    clock.now += 5
    assert await ledger.finish(job_id, DONE) == DONE
    job = await ledger.job(job_id)
    assert job is not None and job.settled and job.outcome == DONE and job.finished_at == clock.now
    assert [unshown.id for unshown in await ledger.unshown()] == [job_id]
    assert await ledger.mark_shown(job_id) and not await ledger.mark_shown(job_id)
    assert await ledger.unshown() == [] and await ledger.active() == []


async def test_the_first_outcome_stays(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    await released(ledger)
    assert await ledger.finish(job_id, FINAL) == FINAL
    assert await ledger.finish(job_id, DONE) is None
    assert await ledger.finish(job_id, FINAL) is None
    assert await ledger.interrupted(job_id, CRASH_ALONE) is None
    assert await ledger.cancel(job_id) == "too_late"
    job = await ledger.job(job_id)
    assert job is not None and job.outcome == FINAL
    assert await ledger.cancel(job_id + 1) == "unknown"


async def test_of_two_that_settle_a_job_at_once_one_wins(ledger: Ledger) -> None:
    for _ in range(10):
        job_id = await queued(ledger)
        await released(ledger)
        finished, verdict = await asyncio.gather(ledger.finish(job_id, DONE), ledger.cancel(job_id))
        assert (finished, verdict) in ((DONE, "too_late"), (Cancelled(done=1.0), "stopping"))


@pytest.mark.parametrize("where", ["new", "queued", "sent", "running", "retry_wait"])
async def test_a_job_can_be_cancelled_wherever_it_is(ledger: Ledger, where: str) -> None:
    job = await accepted(ledger)
    if where != "new":
        await ledger.announce(job.id, 1)
    if where in ("sent", "running", "retry_wait"):
        await released(ledger)
    if where == "running":
        await ledger.started(job.id)
    if where == "retry_wait":
        await ledger.finish(job.id, TRANSIENT)
    assert await state(ledger, job.id) == where
    assert await ledger.cancel(job.id) == ("stopping" if where in ("sent", "running") else "cancelled")
    assert await released(ledger, 8) == [] and await ledger.announce(job.id, 2) is None


@pytest.mark.parametrize("end", TERMINAL)
async def test_no_arrow_leaves_a_terminal_state(ledger: Ledger, database: AsyncEngine, end: str) -> None:
    job_id = await queued(ledger)
    async with database.begin() as connection:
        await connection.execute(jobs.update().values(state=end))
    await ledger.announce(job_id, 9)
    await ledger.started(job_id)
    await ledger.finish(job_id, DONE)
    await ledger.finish(job_id, TRANSIENT)
    await ledger.interrupted(job_id, WORKER_GONE)
    await ledger.stopped(job_id)
    await ledger.resume_retries()
    assert await released(ledger, 8) == []
    assert await ledger.cancel(job_id) == "too_late"
    assert await state(ledger, job_id) == end and end in STATES


async def test_a_result_that_comes_after_the_job_was_put_back_still_counts(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    await released(ledger)
    await ledger.interrupted(job_id, WORKER_GONE)
    assert await state(ledger, job_id) == "queued"
    assert await ledger.finish(job_id, DONE) == DONE
    assert await released(ledger, 8) == []


async def test_three_lone_crashes_end_a_job_and_crashes_in_company_do_not(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    for interruption in (CRASH_IN_COMPANY, CRASH_IN_COMPANY, CRASH_ALONE, CRASH_ALONE):
        [assignment] = await handed(ledger, 1)
        assert await ledger.interrupted(job_id, interruption) is None
        assert await state(ledger, job_id) == "queued"
    [assignment] = await handed(ledger, 1)
    assert assignment.alone, "a suspect runs alone"
    failure = await ledger.interrupted(job_id, CRASH_ALONE)
    assert failure is not None and failure.code == "engine_crashed"
    job = await ledger.job(job_id)
    assert job is not None and (job.state, job.crashes, job.suspect) == ("dead", 3, True)


async def test_a_dying_worker_makes_no_suspect_but_attempts_have_an_end(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    for _ in range(9):
        [assignment] = await handed(ledger, 1)
        assert not assignment.alone
        assert await ledger.interrupted(job_id, WORKER_GONE) is None
    await released(ledger)
    failure = await ledger.interrupted(job_id, WORKER_GONE)
    assert failure is not None and failure.code == "too_many_attempts"
    assert await state(ledger, job_id) == "failed"


async def test_a_drained_run_is_no_attempt(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    for _ in range(15):
        assert await released(ledger) == [job_id]
        assert await ledger.interrupted(job_id, DRAINED) is None
    job = await ledger.job(job_id)
    assert job is not None and (job.state, job.attempts) == ("queued", 0)


async def test_a_passing_failure_is_retried_three_times_with_growing_pauses(ledger: Ledger, clock: Clock) -> None:
    job_id = await queued(ledger)
    for least, most in ((4.0, 6.0), (8.0, 12.0), (16.0, 24.0)):
        assert await released(ledger) == [job_id]
        assert await ledger.finish(job_id, TRANSIENT) is None
        assert await state(ledger, job_id) == "retry_wait" and await released(ledger) == []
        pause = await ledger.resume_retries()
        assert pause is not None and least <= pause <= most
        clock.now += pause + 0.001
        assert await ledger.resume_retries() is None
    assert await released(ledger) == [job_id]
    assert await ledger.finish(job_id, TRANSIENT) == TRANSIENT
    assert await state(ledger, job_id) == "failed"


async def test_a_final_failure_is_not_retried(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    await released(ledger)
    assert await ledger.finish(job_id, FINAL) == FINAL
    assert await state(ledger, job_id) == "failed"


async def test_a_clock_set_back_does_not_keep_a_retry_waiting(ledger: Ledger, clock: Clock) -> None:
    job_id = await queued(ledger)
    await released(ledger)
    await ledger.finish(job_id, TRANSIENT)
    clock.now -= 3600
    await ledger.resume_retries()
    assert await released(ledger) == [job_id]


async def test_the_owner_pays_at_the_pick_and_is_paid_back_for_an_interruption(
    ledger: Ledger, database: AsyncEngine
) -> None:
    await ledger.set_weight(1, 2.0)
    job_id = await queued(ledger)
    for undo in (WORKER_GONE, TRANSIENT):
        await released(ledger)
        assert await virtual_time(database, 1) == pytest.approx(FLASH.cost / 2)
        if isinstance(undo, Failed):
            await ledger.finish(job_id, undo)
        else:
            await ledger.interrupted(job_id, undo)
        assert await virtual_time(database, 1) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="weight"):
        await ledger.set_weight(1, 0.0)


async def test_who_returns_or_is_new_starts_at_the_lowest_time_of_those_who_are_served(
    ledger: Ledger, database: AsyncEngine
) -> None:
    for _ in range(3):
        job_id = await queued(ledger, 1)
        await released(ledger)
        await ledger.finish(job_id, DONE)
    served = await virtual_time(database, 1)
    await queued(ledger, 2)  # nobody else is active: the newcomer starts where the last one stands
    assert await virtual_time(database, 2) == pytest.approx(served)
    await released(ledger)
    charged = await virtual_time(database, 2)
    await queued(ledger, 1)
    await queued(ledger, 3)
    assert await virtual_time(database, 1) == await virtual_time(database, 3) == pytest.approx(charged)


async def test_turns_alternate_and_places_say_so(ledger: Ledger) -> None:
    mine = [await queued(ledger, 1) for _ in range(3)]
    yours = [await queued(ledger, 2) for _ in range(2)]
    order = [mine[0], yours[0], mine[1], yours[1], mine[2]]
    assert list(await ledger.outlooks()) == order
    assert [(await ledger.outlooks())[job_id].place for job_id in order] == [1, 2, 3, 4, 5]
    assert await released(ledger, 2) == order[:2]
    assert [await released(ledger, 3 + number) for number in range(3)] == [[job_id] for job_id in order[2:]]


async def test_an_outlook_is_there_before_the_announcement_and_gone_after_the_release(ledger: Ledger) -> None:
    job = await accepted(ledger)
    outlook = await ledger.outlook(job.id)
    assert outlook is not None and outlook.place == 1 and outlook.eta_seconds is None
    assert await ledger.outlooks(announced=True) == {}
    await ledger.announce(job.id, 1)
    assert list(await ledger.outlooks(announced=True)) == [job.id]
    await released(ledger)
    assert await ledger.outlook(job.id) is None


async def test_progress_shortens_the_wait(ledger: Ledger) -> None:
    first = await queued(ledger)
    await released(ledger)
    await ledger.finish(first, DONE, device_seconds=10.0)
    running, waiting = await queued(ledger), await queued(ledger)
    assert await released(ledger) == [running]
    before = await ledger.outlook(waiting)
    ledger.progress[running] = 0.5
    after = await ledger.outlook(waiting)
    assert before is not None and after is not None
    assert (before.eta_seconds, after.eta_seconds) == (pytest.approx(20.0), pytest.approx(15.0))
    ledger.slots = 0
    nobody = await ledger.outlook(waiting)
    assert nobody is not None and nobody.eta_seconds is None


async def test_an_overtaken_job_remembers_it_and_its_release_forgets(ledger: Ledger, database: AsyncEngine) -> None:
    patient = replace(ledger.limits, max_overtakes=1)
    ledger = Ledger(database, limits=patient)
    runs = await queued(ledger, 9, FLASH)
    assert await released(ledger, 1) == [runs]
    other, same, another = await queued(ledger, 1, FULL), await queued(ledger, 2), await queued(ledger, 3)
    assert await released(ledger, 2) == [same]
    assert await released(ledger, 3) == [other], "once is enough"
    assert await released(ledger, 4) == [another]


async def test_lists_show_what_is_to_be_done_after_a_restart(ledger: Ledger) -> None:
    fresh, waiting, ended = await accepted(ledger, 1), await queued(ledger, 1), await queued(ledger, 2)
    await ledger.cancel(ended)
    assert [job.id for job in await ledger.unannounced()] == [fresh.id]
    assert [job.id for job in await ledger.active()] == [fresh.id, waiting]
    assert [job.id for job in await ledger.active(2)] == []
    assert [job.id for job in await ledger.unshown()] == [ended]
    assert await ledger.in_flight() == frozenset() and await ledger.ended([fresh.id, ended]) == {ended}


async def test_ten_thousand_waiting_jobs_slow_nothing_to_a_crawl(database: AsyncEngine, clock: Clock) -> None:
    ledger = Ledger(database, clock=clock, limits=Limits(queue_cap=20_000))
    async with database.begin() as connection:
        await connection.execute(owners.insert(), [{"owner_id": owner} for owner in range(1000)])
        row = {"chat_id": 1, "request": FLASH.model_dump_json(), "context": {}, "state": "queued", "cost": FLASH.cost}
        row |= {"compatibility": "flash:512x512", "created_at": clock.now, "queued_at": clock.now}
        await connection.execute(jobs.insert(), [{**row, "owner_id": number % 1000} for number in range(10_000)])
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert len(await handed(ledger, 8)) == 8
    late = await queued(ledger, 5000)
    assert await released(ledger, 9) and await ledger.cancel(late) == "cancelled"
    assert loop.time() - began < 5.0
    outlooks = await ledger.outlooks()
    assert [outlook.place for outlook in outlooks.values()] == list(range(1, len(outlooks) + 1))
    assert loop.time() - began < 10.0
