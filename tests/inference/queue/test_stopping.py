"""What is cancelled while a worker has it: told to that worker, ended by its last word, with what was ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.fairness import Limits
from inference.queue.ledger import Ledger
from inference.queue.placing import Placed
from inference.queue.tables import owners
from inference.queue.transport import Assignment, Interrupted, JobEvent
from inference.requests import (
    Cancelled,
    Failed,
    Finished,
    FlashTextToImage,
    Note,
    Picture,
    Progress,
    Recipe,
    Started,
    Stopping,
    pictures_in,
)
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import CRASH_ALONE, DRAINED, WORKER_GONE, queued, released, state
from tests.inference.queue.memory import MemoryDelivery
from tests.inference.queue.test_dispatcher import Scene
from tests.waiting import until

FOUR = FlashTextToImage(prompt="a cat", width=512, height=512, seeds=(5, 6, 7, 8))
STEP = Progress(stage="drawing", step=1, of=4)


def drawn(*tiles: int) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            tile=tile,
            blob=f"{tile:064x}",
            width=512,
            height=512,
            recipe=Recipe(request=FOUR, tile=tile, code_version="1"),
        )
        for tile in tiles
    )


ALL = Finished(pictures=drawn(0, 1, 2, 3), notes=(Note(code="leaner_retry"),), engine_seconds=4.0)
HALF = Cancelled(pictures=drawn(0, 1), engine_seconds=3.0, done=0.75)
WRONG = Failed(code="invalid_request", message="no")
TRANSIENT = Failed(code="internal", message="out of luck", retryable=True)


async def virtual_time(database: AsyncEngine) -> float:
    async with database.connect() as connection:
        return float((await connection.execute(select(owners.c.virtual_time))).scalar_one())


@pytest.fixture
def ledger(database: AsyncEngine, clock: Clock) -> Ledger:
    return Ledger(database, clock=clock, limits=Limits(running_per_person=1))


async def stopping(ledger: Ledger, *, begun: bool = True) -> int:
    job_id = await queued(ledger, request=FOUR)
    assert job_id in await released(ledger, 9)
    if begun:
        assert await ledger.started(job_id)
    assert await ledger.cancel(job_id) == "stopping"
    return job_id


async def says(ledger: Ledger, job_id: int, word: JobEvent) -> object:
    """Takes a worker's last word in as the dispatcher does."""
    match word:
        case Finished() | Failed():
            return await ledger.finish(job_id, word, 4.0)
        case Interrupted():
            return await ledger.interrupted(job_id, word)
        case Cancelled():
            return await ledger.stopped(job_id, word)
    raise AssertionError(word)


LAST_WORDS: Sequence[JobEvent] = (ALL, HALF, Cancelled(), WRONG, TRANSIENT, CRASH_ALONE, DRAINED, WORKER_GONE)


@pytest.mark.parametrize("word", LAST_WORDS, ids=lambda word: f"{word.type} {getattr(word, 'cause', '')}")
async def test_any_last_word_ends_it_as_cancelled_and_it_never_runs_again(ledger: Ledger, word: JobEvent) -> None:
    job_id = await stopping(ledger)
    ended = await says(ledger, job_id, word)
    assert isinstance(ended, Cancelled)
    told = pictures_in(word) if isinstance(word, Finished | Cancelled) else ()
    assert ended.pictures == told
    job = await ledger.job(job_id)
    assert job is not None and (job.state, job.outcome) == ("cancelled", ended)
    await ledger.resume_retries()
    assert await released(ledger, 9) == [] and [job.id for job in await ledger.unshown()] == [job_id]
    for late in LAST_WORDS:
        assert await says(ledger, job_id, late) is None
    assert await ledger.cancel(job_id) == "too_late" and await ledger.job(job_id) == job


async def test_what_it_is_worth_besides_pictures_stays_with_it(ledger: Ledger) -> None:
    ended = await says(ledger, await stopping(ledger), ALL)
    assert ended == Cancelled(pictures=ALL.pictures, notes=ALL.notes, engine_seconds=4.0, done=1.0)
    assert await ledger.estimate(FOUR) is None, "a run that may have been cut short says nothing of speeds"


async def test_until_then_it_is_stopping_and_holds_neither_slot_nor_place_nor_turn(ledger: Ledger) -> None:
    job_id = await stopping(ledger)
    assert await state(ledger, job_id) == "stopping" and await ledger.stopping() == {job_id}
    assert await ledger.in_flight() == frozenset() and await ledger.ended([job_id]) == frozenset()
    assert [job.id for job in await ledger.active(1)] == [job_id]
    assert not await ledger.started(job_id) and await ledger.cancel(job_id) == "stopping"
    following = await queued(ledger)
    assert await ledger.outlook(job_id) is None
    assert await released(ledger, 1) == [following], "its owner's one turn and the only slot"
    assert not await ledger.mark_shown(job_id), "nothing has been shown of it yet"


async def test_nobody_who_has_not_cancelled_is_stopped_by_a_worker(ledger: Ledger) -> None:
    job_id = await queued(ledger)
    for where in ("queued", "sent", "running"):
        assert await state(ledger, job_id) == where
        assert await ledger.stopped(job_id, HALF) is None and await state(ledger, job_id) == where
        await (released(ledger) if where == "queued" else ledger.started(job_id))


@pytest.mark.parametrize(
    ("word", "begun", "seen", "ran"),
    [
        (HALF, True, None, 0.75),
        (ALL, True, 0.9, 1.0),
        (Cancelled(done=0.0), False, None, 0.0),
        (WORKER_GONE, True, 0.25, 0.25),  # it cannot say any more, so what was seen last counts
        (WORKER_GONE, False, None, 0.0),
        (WORKER_GONE, True, None, 1.0),  # begun before the bot was: nobody knows
    ],
)
async def test_its_owner_pays_for_what_ran(
    ledger: Ledger, database: AsyncEngine, word: JobEvent, begun: bool, seen: float | None, ran: float
) -> None:
    job_id = await stopping(ledger, begun=begun)
    if seen is not None:
        ledger.progress[job_id] = seen
    assert await virtual_time(database) == pytest.approx(FOUR.cost), "until the worker has answered"
    await says(ledger, job_id, word)
    assert await virtual_time(database) == pytest.approx(ran * FOUR.cost)
    assert job_id not in ledger.progress


async def test_a_cancel_and_an_end_at_the_same_moment_leave_one_end_and_its_pictures(ledger: Ledger) -> None:
    seen = set()
    for _ in range(12):
        job_id = await queued(ledger, request=FOUR)
        await released(ledger, 9)
        calls: dict[str, Coroutine[Any, Any, Any]] = {
            "end": ledger.finish(job_id, ALL),
            "cancel": ledger.cancel(job_id),
        }
        first, second = calls if job_id % 2 else reversed(calls)
        told = dict(zip((first, second), await asyncio.gather(calls[first], calls[second]), strict=True))
        job, verdict, end = await ledger.job(job_id), told["cancel"], told["end"]
        assert job is not None and job.outcome == end and pictures_in(end) == ALL.pictures
        assert (job.state, verdict) in (("done", "too_late"), ("cancelled", "stopping"))
        seen.add(verdict)
    assert seen == {"too_late", "stopping"}


# Above the ledger


@pytest.fixture
async def scene(database: AsyncEngine) -> AsyncIterator[Scene]:
    scene = Scene(Ledger(database, limits=Limits(waiting_per_person=100, retry_seconds=0.02)), MemoryDelivery())
    scene.delivery.deaf = True
    await scene.queue.start()
    yield scene
    await scene.queue.close(0.0)


async def drawing(scene: Scene) -> int:
    job_id = await queued(scene.ledger, request=FOUR)
    scene.queue.wake()
    await until(lambda: job_id in scene.delivery.ids())
    scene.delivery.report(job_id, Started())
    await until(lambda: Started() in scene.told_of(job_id))
    return job_id


async def test_it_is_told_that_it_stops_and_then_how_it_ended(scene: Scene) -> None:
    job_id = await drawing(scene)
    assert await scene.queue.cancel(job_id) == "stopping"
    assert scene.told_of(job_id) == [Started(), Stopping()]
    scene.delivery.report(job_id, STEP)
    scene.delivery.report(job_id, HALF)
    await until(lambda: len(scene.told_of(job_id)) == 3)
    assert scene.told_of(job_id) == [Started(), Stopping(), HALF], "no progress of what stops"
    assert await scene.queue.cancel(job_id) == "too_late"


async def test_its_worker_is_told_again_until_it_answers_and_the_person_only_once(scene: Scene) -> None:
    job_id = await drawing(scene)
    assert [await scene.queue.cancel(job_id) for _ in range(2)] == ["stopping"] * 2
    told = len(scene.delivery.cancelled)
    await until(lambda: len(scene.delivery.cancelled) > told + 2)
    assert scene.told_of(job_id) == [Started(), Stopping()] and await state(scene.ledger, job_id) == "stopping"
    scene.delivery.report(job_id, ALL)
    await until(lambda: len(scene.told_of(job_id)) == 3)
    assert pictures_in(await outcome(scene.ledger, job_id)) == ALL.pictures


async def outcome(ledger: Ledger, job_id: int) -> Finished | Failed | Cancelled:
    job = await ledger.job(job_id)
    assert job is not None and job.outcome is not None
    return job.outcome


async def test_a_worker_that_never_answers_is_not_waited_for_and_what_it_brings_later_is_let_go(
    database: AsyncEngine, clock: Clock
) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), stop_seconds=60.0, monotonic=clock, reconcile_seconds=0.0)
    scene.delivery.deaf = True
    let_go: list[Picture] = []

    async def unclaimed(pictures: Sequence[Picture]) -> None:
        let_go.extend(pictures)

    scene.queue.on_unclaimed(unclaimed)
    await scene.queue.start()
    job_id = await drawing(scene)
    await scene.queue.cancel(job_id)
    clock.now += 59.0
    told = len(scene.delivery.cancelled)
    await until(lambda: len(scene.delivery.cancelled) > told + 1)
    assert await state(scene.ledger, job_id) == "stopping"
    clock.now += 61.0  # since it was noticed, which may be after the first step of the clock
    await until(lambda: Cancelled() in scene.told_of(job_id))
    scene.delivery.report(job_id, HALF)
    await until(lambda: let_go == [*HALF.pictures])
    assert await outcome(scene.ledger, job_id) == Cancelled()
    await scene.queue.close(0.0)


async def test_a_last_word_that_is_told_twice_takes_no_picture_away(scene: Scene) -> None:
    let_go: list[Picture] = []

    async def unclaimed(pictures: Sequence[Picture]) -> None:
        let_go.extend(pictures)

    scene.queue.on_unclaimed(unclaimed)
    job_id = await drawing(scene)
    await scene.queue.cancel(job_id)
    for word in (HALF, HALF, ALL):
        scene.delivery.report(job_id, word)
    await until(lambda: let_go)
    assert let_go == [*drawn(2, 3)], "only what came when its end was settled"
    assert scene.told_of(job_id) == [Started(), Stopping(), HALF]


async def test_what_no_worker_has_is_over_at_once(database: AsyncEngine) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), reconcile_seconds=600.0)
    await scene.queue.start()
    job_id = await drawing(scene)
    scene.delivery.held.clear()
    assert await scene.queue.cancel(job_id) == "stopping"
    assert scene.told_of(job_id)[1:] == [Stopping(), Cancelled()]
    await scene.queue.close(0.0)


async def test_a_cancel_between_the_release_and_the_handing_over_hands_nothing_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = scene.ledger.release
    cancelled: list[int] = []

    async def cancelling(*arguments: Any) -> list[Placed]:
        released = await release(*arguments)
        for placed in released:
            await scene.queue.cancel(placed.assignment.job_id)
            cancelled.append(placed.assignment.job_id)
        return released

    monkeypatch.setattr(scene.ledger, "release", cancelling)
    job_id = await scene.queued()
    await until(lambda: cancelled == [job_id])
    monkeypatch.undo()
    assert scene.told_of(job_id) == [Stopping(), Cancelled()]
    following = await scene.queued()
    await until(lambda: scene.delivery.ids())
    assert scene.delivery.ids() == [following]


async def test_a_cancel_while_its_start_is_written_down_is_not_followed_by_a_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scene.ledger.expected

    async def cancelling(job_id: int, worker: str | None) -> float | None:
        await scene.queue.cancel(job_id)
        return await expected(job_id, worker)

    monkeypatch.setattr(scene.ledger, "expected", cancelling)
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    for word in (Started(), STEP, HALF):
        scene.delivery.report(job_id, word)
    await until(lambda: HALF in scene.told_of(job_id))
    assert scene.told_of(job_id) == [Stopping(), HALF]


async def test_a_cancel_while_a_job_is_being_handed_over_reaches_its_worker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, under_way, go_on = scene.delivery.submit, asyncio.Event(), asyncio.Event()

    async def slow(assignment: Assignment, worker: str | None) -> None:
        under_way.set()
        await go_on.wait()
        await submit(assignment, worker)

    monkeypatch.setattr(scene.delivery, "submit", slow)
    scene.delivery.deaf = False
    job_id = await scene.queued()
    await under_way.wait()
    cancelling = asyncio.create_task(scene.queue.cancel(job_id))
    await until(lambda: Stopping() in scene.told_of(job_id))
    go_on.set()
    assert await cancelling == "stopping"
    assert scene.delivery.ids() == [job_id] and {*scene.delivery.cancelled} == {job_id}
    await until(lambda: scene.told_of(job_id) == [Stopping(), Cancelled()])


async def test_after_a_restart_what_no_worker_has_is_over_and_what_one_has_is_told_once_more(
    database: AsyncEngine,
) -> None:
    ledger = Ledger(database)
    lost, held = await stopping(ledger), await stopping(ledger)
    scene = Scene(Ledger(database), MemoryDelivery(slots=0))
    scene.delivery.deaf, scene.delivery.held = True, {held}
    await scene.queue.start()
    assert scene.told_of(lost) == [Cancelled()] and await state(ledger, held) == "stopping"
    assert held in scene.delivery.cancelled
    scene.delivery.report(held, HALF)
    await until(lambda: HALF in scene.told_of(held))
    await scene.queue.close(0.0)
    assert scene.delivery.ids() == []


async def test_closing_ends_what_has_not_answered(database: AsyncEngine) -> None:
    scene = Scene(Ledger(database), MemoryDelivery())
    scene.delivery.deaf = True
    await scene.queue.start()
    job_id = await drawing(scene)
    await scene.queue.cancel(job_id)
    await scene.queue.close(0.0)
    assert scene.told_of(job_id)[-1] == Cancelled() and await state(scene.ledger, job_id) == "cancelled"


async def test_pictures_without_room_do_not_bring_a_cancelled_job_back(scene: Scene) -> None:
    job_id = await drawing(scene)
    await scene.queue.cancel(job_id)
    scene.delivery.report(job_id, Failed(code="disk_full", message="OSError: no space left", retryable=True))
    await until(lambda: Cancelled() in scene.told_of(job_id))
    assert scene.delivery.ids() == [job_id] and await state(scene.ledger, job_id) == "cancelled"
