"""What owners have to know and nobody else says: no worker, a foreign one, a slow database, a store that is away."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.app import lookout
from bot.app.lookout import Lookout
from bot.telegram.outbox import FLOODS_BEFORE_EVERYONE_WAITS, Outbox
from inference.blobs import BlobStore
from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.figures import WorkerSeen
from inference.queue.ledger import Ledger
from inference.queue.transport import Capacity
from inference.requests import Failed, Started
from tests.bot.ready_made import migrated
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import CRASH_ALONE, queued
from tests.inference.queue.memory import MemoryDelivery
from tests.waiting import until


class Scene:
    def __init__(self, folder: Path, clock: Clock) -> None:
        self.database = open_database(migrated(folder / "studio.db"))
        self.ledger = Ledger(self.database)
        self.delivery = MemoryDelivery(slots=1)
        self.queue = Dispatcher(self.ledger, self.delivery)
        self.blobs = BlobStore(str(folder / "blobs"))
        self.outbox = Outbox()
        self.told: list[tuple[str, str]] = []
        self.clock = clock
        self.lookout = self.look_out()

    def look_out(self, **how: Any) -> Lookout:
        def tell(cause: str, text: str) -> None:
            self.told.append((cause, text))

        made = Lookout(tell, self.queue, self.ledger, self.blobs, monotonic=self.clock, **how)
        made.attend(self.outbox)
        return made

    @property
    def causes(self) -> list[str]:
        return [cause for cause, _text in self.told]

    async def has_slots(self, slots: int) -> None:
        self.delivery.slots = slots
        await until(lambda: self.queue.slots == slots)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def scene(tmp_path: Path, clock: Clock) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path, clock)
    await scene.queue.start()
    await scene.has_slots(1)
    yield scene
    await scene.queue.close(0.0)
    await scene.database.dispose()


@pytest.mark.parametrize("beside_us", [False, True])
async def test_nobody_who_draws_is_told_after_a_while_which_is_longer_where_weights_are_being_read(
    scene: Scene, beside_us: bool
) -> None:
    seen = scene.look_out(beside_us=beside_us)
    patience = lookout.NOBODY_LOCALLY_SECONDS if beside_us else lookout.NOBODY_SECONDS
    await scene.has_slots(0)
    await seen.workers()
    scene.clock.now += patience - 1
    await seen.workers()
    assert scene.told == []
    await scene.has_slots(1)
    await seen.workers()
    await scene.has_slots(0)
    await seen.workers()
    scene.clock.now += patience - 1
    await seen.workers()
    assert scene.told == [], "it begins anew when somebody was there"
    scene.clock.now += 1
    await seen.workers()
    assert scene.causes == ["workers"] and f"{patience / 60:.0f} minutes" in scene.told[0][1]


async def test_why_no_engine_starts_is_told_as_that_and_not_as_nobody(scene: Scene) -> None:
    scene.delivery.slots, scene.delivery.trouble = 0, "weights are cut short"
    await until(lambda: scene.queue.trouble is not None)
    await scene.lookout.workers()
    scene.clock.now += 10_000
    await scene.lookout.workers()
    assert scene.told == [("engine", "weights are cut short")]


async def test_a_queue_that_is_out_of_reach_is_no_engine_that_does_not_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def capacity(_delivery: MemoryDelivery) -> Capacity:
        return Capacity(trouble="the queue is out of reach", unreachable=True)

    monkeypatch.setattr(MemoryDelivery, "capacity", capacity)
    await until(lambda: scene.told == [("queue", "the queue is out of reach")])


async def test_a_worker_of_another_protocol_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = WorkerSeen("attic:1:aaaaaaaa", "attic", "cuda", "9.9", 0, 0, refused="it speaks protocol 9, this bot 3")
    well = WorkerSeen("rack:1:aaaaaaaa", "rack", "cuda", "0.1", 4, 0)
    monkeypatch.setattr(MemoryDelivery, "seen", lambda _delivery: (well, foreign))
    await scene.lookout.workers()
    assert scene.told == [("version", "attic:1:aaaaaaaa: it speaks protocol 9, this bot 3")]


async def test_a_job_that_ends_three_engines_is_told_with_its_number_and_another_failure_is_not(scene: Scene) -> None:
    bad, poison = await queued(scene.ledger, 1), await queued(scene.ledger, 2)
    scene.queue.wake()
    await until(lambda: scene.delivery.ids() == [bad])
    scene.delivery.report(bad, Failed(code="internal", message="it broke"))
    for times in range(1, 4):
        await until(lambda known=times: scene.delivery.ids().count(poison) == known)
        scene.delivery.report(poison, Started())
        scene.delivery.report(poison, CRASH_ALONE)
    await until(lambda: scene.told)
    assert scene.causes == ["dead"] and f"job {poison}:" in scene.told[0][1]


async def test_a_database_that_is_slow_again_and_again_is_told_and_once_is_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove, seconds = Ledger.prove, 3.0

    async def slowly(ledger: Ledger) -> None:
        scene.clock.now += seconds
        await prove(ledger)

    monkeypatch.setattr(Ledger, "prove", slowly)
    for _look in range(2):
        await scene.lookout.database()
    seconds = 0.1
    await scene.lookout.database()
    seconds = 3.0
    for _look in range(2):
        await scene.lookout.database()
    assert scene.told == []
    await scene.lookout.database()
    assert scene.causes == ["slow"] and "3.0 s" in scene.told[0][1]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OperationalError("UPDATE", {}, Exception("server closed the connection")), "database"),
        (OperationalError("UPDATE", {}, Exception("database or disk is full")), "disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "database"),
    ],
)
async def test_a_database_that_takes_nothing_is_told_by_what_it_lacks_though_nobody_asks_for_anything(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    async def refuse(_ledger: Ledger) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "prove", refuse)
        await scene.lookout.database()
    assert scene.causes == [cause]


async def test_silence_is_told_before_it_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = scene.look_out(silent_seconds=0.05)
    asked, answer = threading.Event(), threading.Event()

    async def silent(_ledger: Ledger) -> None:
        await asyncio.to_thread(answer.wait, 60.0)

    def silent_too(_blobs: BlobStore) -> None:
        asked.set()
        answer.wait(60.0)

    monkeypatch.setattr(Ledger, "prove", silent)
    monkeypatch.setattr(BlobStore, "prove", silent_too)
    looks = [asyncio.create_task(hurried.database()), asyncio.create_task(hurried.blobs())]
    await until(lambda: sorted(scene.causes) == ["blobs", "slow"])
    assert asked.is_set() and not any(look.done() for look in looks)
    answer.set()
    await asyncio.gather(*looks)


async def test_a_store_that_takes_nothing_is_told(scene: Scene, tmp_path: Path) -> None:
    await scene.lookout.blobs()
    assert scene.told == []
    (tmp_path / "file").write_text("in the way")
    scene.blobs.__init__(str(tmp_path / "file" / "blobs"))
    await scene.lookout.blobs()
    assert scene.causes == ["blobs"] and "file" in scene.told[0][1]


async def test_patience_that_telegram_asks_for_again_and_again_is_told(scene: Scene) -> None:
    for _flood in range(FLOODS_BEFORE_EVERYONE_WAITS - 1):
        scene.outbox._flooded(1001, 3.0)
    assert scene.told == []
    scene.outbox._flooded(1002, 3.0)
    assert scene.causes == ["flood"]


async def test_a_look_that_fails_is_not_the_last(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    async def fails() -> None:
        looks.append("failed")
        raise RuntimeError("who knows")

    monkeypatch.setattr(lookout, "WORKERS_EVERY", 0.001)
    monkeypatch.setattr(scene.lookout, "workers", fails)
    looking = asyncio.create_task(scene.lookout.look_forever())
    await until(lambda: len(looks) > 3)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
