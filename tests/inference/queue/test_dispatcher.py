from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.dispatcher import PAUSE_SECONDS, Dispatcher
from inference.queue.fairness import Limits, Outlook
from inference.queue.jobs import OutOfOrder, Trouble
from inference.queue.ledger import Ledger
from inference.queue.positions import notable
from inference.queue.transport import Capacity, JobEvent, WorkerOffer
from inference.requests import Cancelled, Event, Failed, Outcome, Progress, Queued, Started, Stopping
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import CRASH_ALONE, DONE, FLASH, WORKER_GONE, handed, queued, state
from tests.inference.queue.memory import MemoryDelivery
from tests.waiting import until

STEP = Progress(stage="drawing", step=1, of=4)


class Scene:
    def __init__(self, ledger: Ledger, delivery: MemoryDelivery, **options: Any) -> None:
        self.ledger, self.delivery = ledger, delivery
        self.queue = Dispatcher(ledger, delivery, **{"tick_seconds": 0.01, "reconcile_seconds": 0.1, **options})
        self.told: list[tuple[int, Event]] = []
        self.queue.listen(lambda job_id, event: self.told.append((job_id, event)))

    async def queued(self, owner: int = 1) -> int:
        job_id = await queued(self.ledger, owner)
        self.queue.wake()
        return job_id

    def told_of(self, job_id: int, *, places: bool = False) -> list[Event]:
        return [event for told, event in self.told if told == job_id and (places or not isinstance(event, Queued))]


@pytest.fixture
async def scene(database: AsyncEngine) -> AsyncIterator[Scene]:
    scene = Scene(Ledger(database, limits=Limits(waiting_per_person=100, retry_seconds=0.02)), MemoryDelivery())
    await scene.queue.start()
    yield scene
    await scene.queue.close(0.0)


async def test_no_more_is_released_than_there_are_slots(scene: Scene) -> None:
    ids = [await scene.queued() for _ in range(4)]
    await until(lambda: scene.delivery.ids() == ids[:2])
    assert scene.queue.slots == 2
    scene.delivery.report(ids[0], Started())
    scene.delivery.report(ids[0], DONE)
    await until(lambda: scene.delivery.ids() == ids[:3])
    assert await state(scene.ledger, ids[3]) == "queued"


async def test_nothing_is_released_while_no_worker_is_there(scene: Scene) -> None:
    scene.delivery.slots = 0
    await until(lambda: scene.queue.slots == 0)
    job_id = await scene.queued()
    await until(lambda: scene.told_of(job_id, places=True))
    assert scene.delivery.ids() == [] and await state(scene.ledger, job_id) == "queued"
    scene.delivery.slots = 1
    await until(lambda: scene.delivery.ids() == [job_id])


async def test_listeners_hear_each_event_after_it_is_written_down(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    scene = Scene(ledger, MemoryDelivery())
    seen: list[tuple[str, asyncio.Task[str]]] = []
    scene.queue.listen(lambda job_id, event: seen.append((event.type, asyncio.ensure_future(state(ledger, job_id)))))
    await scene.queue.start()
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids())
    for event in (Started(), STEP, DONE, STEP, FAILED):
        scene.delivery.report(job_id, event)
    await until(lambda: DONE in scene.told_of(job_id))
    await scene.queue.close(0.0)
    assert scene.told_of(job_id) == [Started(), STEP, DONE], "nothing after the end"
    written = {kind: await task for kind, task in seen}
    assert written["finished"] == "done" and written["started"] in ("running", "done")


FAILED = Failed(code="internal", message="again", retryable=True)


async def test_a_listener_that_fails_harms_nobody(scene: Scene) -> None:
    def clumsy(job_id: int, event: Event) -> None:
        raise RuntimeError("clumsy")

    scene.queue.listen(clumsy)
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.report(job_id, DONE)
    await until(lambda: DONE in scene.told_of(job_id))


async def test_a_cancelled_job_is_told_once_and_stopped_at_the_worker(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.report(job_id, Started())
    await until(lambda: Started() in scene.told_of(job_id))
    assert await scene.queue.cancel(job_id) == "stopping"
    await until(lambda: Cancelled() in scene.told_of(job_id))
    assert await scene.queue.cancel(job_id) == "too_late"
    assert await scene.queue.cancel(12345) == "unknown"
    assert set(scene.delivery.cancelled) == {job_id}  # a reconciliation may say so once more
    scene.delivery.report(job_id, STEP)
    scene.delivery.report(job_id, Cancelled())
    other = await scene.queued()
    await until(lambda: other in scene.delivery.ids())
    assert scene.told_of(job_id) == [Started(), Stopping(), Cancelled()]


async def test_a_passing_failure_comes_back_by_itself(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.report(job_id, FAILED)
    await until(lambda: scene.delivery.ids() == [job_id, job_id])
    assert FAILED not in scene.told_of(job_id)
    scene.delivery.report(job_id, DONE)
    await until(lambda: scene.told_of(job_id) == [DONE])


async def test_a_suspect_is_sent_alone_and_its_end_is_told(scene: Scene) -> None:
    job_id = await scene.queued()
    for times in range(1, 4):
        await until(lambda times=times: len(scene.delivery.ids()) == times)
        scene.delivery.report(job_id, CRASH_ALONE)
    await until(lambda: scene.told_of(job_id))
    [failure] = scene.told_of(job_id)
    assert isinstance(failure, Failed) and failure.code == "engine_crashed"
    assert [assignment.alone for assignment in scene.delivery.submitted] == [False, True, True]


async def test_a_job_that_no_worker_knows_is_put_back(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.held.clear()
    await until(lambda: scene.delivery.ids() == [job_id, job_id])


async def test_a_run_that_was_stopped_though_nobody_cancelled_is_put_back(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.report(job_id, Cancelled())
    await until(lambda: scene.delivery.ids() == [job_id, job_id])
    assert Cancelled() not in scene.told_of(job_id)


async def test_a_job_at_a_worker_that_has_ended_is_stopped(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    await scene.ledger.cancel(job_id)  # behind the dispatcher's back
    await until(lambda: {*scene.delivery.cancelled} == {job_id})  # told again until it is held no longer


async def test_boot_puts_back_what_was_in_flight(database: AsyncEngine) -> None:
    ledger = Ledger(database)
    job_id = await queued(ledger)
    await handed(ledger, 1)
    await ledger.started(job_id)
    scene = Scene(Ledger(database), MemoryDelivery(slots=0))
    await scene.queue.start()
    assert await state(ledger, job_id) == "queued"
    await scene.queue.close(0.0)


async def test_closing_passes_the_grace_on_and_puts_back_what_is_left(database: AsyncEngine) -> None:
    scene = Scene(Ledger(database), MemoryDelivery())
    await scene.queue.start()
    first, second = await scene.queued(), await scene.queued()
    await until(lambda: scene.delivery.ids() == [first, second])
    scene.delivery.report(first, DONE)
    await scene.queue.close(3.0)
    assert scene.delivery.closed_with == 3.0
    assert DONE in scene.told_of(first), "reports of the last moment are heard"
    assert await state(scene.ledger, second) == "queued"


async def test_workers_that_live_on_keep_what_they_draw_when_the_bot_goes_and_comes(database: AsyncEngine) -> None:
    scene = Scene(Ledger(database), MemoryDelivery())
    scene.delivery.owns_workers = False
    await scene.queue.start()
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.report(job_id, Started())
    await until(lambda: Started() in scene.told_of(job_id))
    await scene.queue.close(0.0)
    assert await state(scene.ledger, job_id) == "running"
    again = Scene(Ledger(database), MemoryDelivery())
    again.delivery.held, again.delivery.found_out = {job_id}, False
    await again.queue.start()
    later = await again.queued()
    await until(lambda: again.delivery.ids() == [later])
    assert await state(again.ledger, job_id) == "running", "nobody knows yet whether it is lost"
    again.delivery.found_out = True
    again.delivery.report(job_id, STEP)
    await until(lambda: again.told_of(job_id) == [STEP])
    again.delivery.report(job_id, DONE)
    await until(lambda: again.told_of(job_id) == [STEP, DONE])
    again.delivery.report(job_id, STEP)
    again.delivery.report(later, Started())
    await until(lambda: again.told_of(later))
    assert again.told_of(job_id) == [STEP, DONE]
    await again.queue.close(0.0)


async def test_what_was_lost_while_nobody_could_know_is_put_back_as_soon_as_somebody_does(
    database: AsyncEngine,
) -> None:
    ledger = Ledger(database)
    job_id = await queued(ledger)
    await handed(ledger, 1)
    scene = Scene(ledger, MemoryDelivery())
    scene.delivery.found_out = False
    await scene.queue.start()
    assert await state(ledger, job_id) == "sent"
    scene.delivery.found_out = True
    await until(lambda: scene.delivery.ids() == [job_id])
    await scene.queue.close(0.0)


async def test_a_dispatcher_that_is_stuck_starts_itself_again(database: AsyncEngine) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), stall_seconds=0.2)
    await scene.queue.start()
    scene.delivery.stuck = True
    await until(lambda: not scene.delivery.stuck)
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    await scene.queue.close(0.0)


async def test_a_dispatcher_that_waits_for_a_busy_loop_is_not_taken_for_one_that_hangs(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), stall_seconds=0.2)
    looks: list[int] = []

    async def look() -> Capacity:
        for _ in range(20):  # a turn waits for the loop so often, as it does for a database
            await asyncio.sleep(0)
        looks.append(1)
        return Capacity(workers=(WorkerOffer(slots=2),))

    monkeypatch.setattr(scene.delivery, "capacity", look)
    await scene.queue.start()

    async def hog() -> None:
        while True:
            time.sleep(0.03)  # what somebody else does in the loop
            await asyncio.sleep(0)

    hogging = asyncio.create_task(hog())
    await until(lambda: len(looks) >= 3)  # each takes thrice as long as a stall
    hogging.cancel()
    assert "has not turned" not in caplog.text
    await scene.queue.close(0.0)


async def test_one_long_standstill_of_the_loop_restarts_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    impatient = Scene(scene.ledger, MemoryDelivery(), stall_seconds=0.1)
    await impatient.queue.start()
    for _ in range(3):
        time.sleep(0.4)  # what somebody else does in the loop
        await asyncio.sleep(0.05)
    assert "has not turned" not in caplog.text
    await impatient.queue.close(0.0)


async def test_a_result_waits_until_the_ledger_can_hold_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    finish, troubles = scene.ledger.finish, iter([True])

    async def full_disk(*arguments: Any) -> Outcome | None:
        if next(troubles, False):
            raise OperationalError("UPDATE", {}, Exception("database or disk is full"))
        return await finish(*arguments)

    monkeypatch.setattr(scene.ledger, "finish", full_disk)
    scene.delivery.report(job_id, Started())
    scene.delivery.report(job_id, DONE)
    await until(lambda: DONE in scene.told_of(job_id))
    assert scene.delivery.ids() == [job_id]
    assert await scene.ledger.estimate(FLASH), "how long it took is not forgotten meanwhile"


async def test_who_does_not_know_yet_what_its_workers_hold_is_not_asked_at_every_turn(
    database: AsyncEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), monotonic=clock)
    scene.delivery.found_out = False
    asked: list[str] = []
    for owner, name in ((scene.ledger, "stopping"), (scene.delivery, "capacity")):
        monkeypatch.setattr(owner, name, _counted(getattr(owner, name), name, asked))
    await scene.queue.start()
    await until(lambda: asked.count("capacity") > 20)
    assert asked.count("stopping") == 1
    clock.now += PAUSE_SECONDS
    await until(lambda: asked.count("stopping") == 2)
    await scene.queue.close(0.0)


async def test_an_idle_dispatcher_asks_the_database_nothing(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(), reconcile_seconds=60.0)
    asked: list[str] = []
    for name in ("release", "outlooks", "in_flight", "resume_retries"):
        monkeypatch.setattr(scene.ledger, name, _counted(getattr(scene.ledger, name), name, asked))
    turns = 0
    capacity = scene.delivery.capacity

    async def counted() -> Capacity:
        nonlocal turns
        turns += 1
        return await capacity()

    monkeypatch.setattr(scene.delivery, "capacity", counted)
    await scene.queue.start()
    await until(lambda: "outlooks" in asked and turns > 60)
    before, turns = len(asked), 0
    await until(lambda: turns > 20)
    assert len(asked) == before
    await scene.queue.close(0.0)


def _counted(method: Any, name: str, asked: list[str]) -> Any:
    async def counting(*arguments: Any, **options: Any) -> Any:
        asked.append(name)
        return await method(*arguments, **options)

    return counting


async def test_who_waits_hears_of_the_place_and_of_its_change(scene: Scene) -> None:
    ids = [await scene.queued() for _ in range(5)]
    await until(lambda: Queued(place=3, eta_seconds=None) in scene.told_of(ids[4], places=True))
    scene.delivery.report(ids[0], DONE)
    await until(lambda: scene.told_of(ids[4], places=True)[-1].model_dump()["place"] == 2)


async def test_a_job_that_waits_again_is_told_so(scene: Scene) -> None:
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    scene.delivery.slots = 0
    await until(lambda: scene.queue.slots == 0)
    scene.delivery.report(job_id, WORKER_GONE)
    await until(lambda: Queued(place=1, eta_seconds=None) in scene.told_of(job_id, places=True))


async def test_device_time_becomes_a_speed_and_loading_does_not(database: AsyncEngine, clock: Clock) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(slots=1), monotonic=clock)
    loading = Progress(stage="loading", step=0, of=4)
    await scene.queue.start()
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    for event, seconds in ((Started(), 2.0), (loading, 60.0), (STEP, 5.0), (DONE, 0.0)):
        before = len(scene.told_of(job_id))
        scene.delivery.report(job_id, event)
        await until(lambda before=before: len(scene.told_of(job_id)) > before)
        clock.now += seconds
    assert await scene.ledger.estimate(FLASH) == pytest.approx(7.0)
    await scene.queue.close(0.0)


async def test_who_is_drawn_is_told_how_long_it_still_takes_and_company_is_counted(
    database: AsyncEngine, clock: Clock
) -> None:
    scene = Scene(Ledger(database), MemoryDelivery(slots=2), monotonic=clock)
    await scene.queue.start()

    async def told(job_id: int, event: JobEvent, seconds: float = 0.0) -> Event:
        before = len(scene.told_of(job_id))
        scene.delivery.report(job_id, event)
        await until(lambda: len(scene.told_of(job_id)) > before)
        clock.now += seconds
        return scene.told_of(job_id)[-1]

    first, second = await scene.queued(1), await scene.queued(2)
    await until(lambda: scene.delivery.ids() == [first, second])
    await told(first, Started(), 10.0)
    step = await told(first, STEP)
    assert isinstance(step, Progress) and step.eta_seconds is None  # none of this kind has been measured
    half = await told(first, Progress(stage="drawing", step=2, of=4), 10.0)
    assert isinstance(half, Progress) and half.eta_seconds == pytest.approx(10.0)  # by its own pace
    await told(first, DONE)
    await told(second, Started())
    begun = await told(second, Progress(stage="encoding", step=0, of=4))
    assert isinstance(begun, Progress) and begun.eta_seconds == pytest.approx(20.0)
    third = await scene.queued(1)
    await until(lambda: third in scene.delivery.held)
    await told(third, Started())
    beside = await told(second, Progress(stage="encoding", step=0, of=4))
    assert isinstance(beside, Progress) and beside.eta_seconds == pytest.approx(40.0)
    loading = await told(second, Progress(stage="loading", step=0, of=4))
    assert isinstance(loading, Progress) and loading.eta_seconds is None
    await scene.queue.close(0.0)


@pytest.mark.parametrize(
    ("told", "now", "quiet", "expected"),
    [
        ((7, 100.0), (6, 90.0), 60.0, False),  # less than a fifth
        ((7, 100.0), (5, 90.0), 0.0, True),  # a place worth a word at any time
        ((20, 100.0), (15, 75.0), 9.0, False),  # too soon
        ((20, 100.0), (15, 75.0), 10.0, True),
        ((20, 100.0), (20, 121.0), 10.0, True),
        ((20, None), (20, 50.0), 10.0, True),
        ((3, 50.0), (3, 50.0), 1000.0, False),
    ],
)
def test_only_a_notable_change_is_told(
    told: tuple[int, float | None], now: tuple[int, float | None], quiet: float, expected: bool
) -> None:
    before, after = (Outlook(place, 0.0, eta) for place, eta in (told, now))
    assert notable(before, after, quiet) is expected


async def test_an_engine_that_never_gets_ready_is_told_once_and_new_jobs_are_refused_until_it_is(scene: Scene) -> None:
    told: list[Trouble | None] = []
    scene.queue.on_trouble(told.append)
    scene.delivery.slots, scene.delivery.trouble = 0, "SafetensorError: cut in half"
    await until(lambda: told)
    assert told == [Trouble("engine", "SafetensorError: cut in half")] and scene.queue.trouble == told[0]
    with pytest.raises(OutOfOrder) as refused:
        await scene.queued()
    assert refused.value.trouble.cause == "engine"
    scene.delivery.slots, scene.delivery.trouble = 2, None
    await until(lambda: len(told) == 2)
    assert told[1] is None
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])


async def test_a_ledger_that_takes_nothing_is_a_trouble_until_it_takes_something_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Trouble | None] = []
    scene.queue.on_trouble(told.append)
    broken = True

    async def full_disk(*_arguments: Any) -> Any:
        if broken:
            raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    monkeypatch.setattr("inference.queue.dispatcher.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(scene.ledger, "release", full_disk)
    monkeypatch.setattr(scene.ledger, "prove", full_disk)
    scene.queue.wake()
    await until(lambda: told)
    assert told[0] is not None and told[0].cause == "ledger" and "disk is full" in told[0].reason
    monkeypatch.undo()
    await until(lambda: told[1:] == [None])


async def test_a_report_that_the_ledger_cannot_even_be_reached_for_waits_like_any_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.queue.dispatcher.PAUSE_SECONDS", 0.01)
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    finish, troubles = scene.ledger.finish, iter([True] * 5)

    async def unreachable(*arguments: Any) -> Outcome | None:
        if next(troubles, False):
            raise ConnectionRefusedError("the database is restarting")
        return await finish(*arguments)

    monkeypatch.setattr(scene.ledger, "finish", unreachable)
    scene.delivery.report(job_id, DONE)
    await until(lambda: DONE in scene.told_of(job_id))
    assert scene.delivery.ids() == [job_id], "it was drawn once"


FULL = Failed(code="disk_full", message="OSError: no space left", retryable=True)


async def test_pictures_without_room_are_drawn_again_when_there_is_some_and_nothing_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.queue.troubles.FIRST_REST_SECONDS", 0.3)
    told: list[Trouble | None] = []
    scene.queue.on_trouble(told.append)
    first, second, third = [await scene.queued(owner) for owner in (1, 2, 3)]
    await until(lambda: scene.delivery.ids() == [first, second])
    for job_id in (first, second):
        scene.delivery.report(job_id, Started())
        scene.delivery.report(job_id, FULL)
    await until(lambda: told)
    assert told[0] == Trouble("store", "OSError: no space left")
    with pytest.raises(OutOfOrder):
        await queued(scene.ledger, 4)
    await until(lambda: len(scene.delivery.ids()) == 4)
    assert told == [Trouble("store", "OSError: no space left"), None], "nothing was drawn before the rest was over"
    for job_id in (first, second, third):
        await until(lambda job_id=job_id: scene.delivery.ids()[2:].count(job_id) == 1)
        scene.delivery.report(job_id, Started())
        scene.delivery.report(job_id, DONE)
        await until(lambda job_id=job_id: DONE in scene.told_of(job_id))
    assert not [event for _job, event in scene.told if isinstance(event, Failed)]
