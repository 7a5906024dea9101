"""What people are told of time against what is: ten jobs of every kind of the embedded model, through the real worker.

A worker that has never run here times itself, then the kinds take turns, ten rounds. Before every job it is asked how
long it will take. How far off that was is told as a factor, the larger of the two divided by the smaller, on the clock
and, since a machine may be busy with other things, in CPU time of the engine as well: there the same foresight learns
from the CPU seconds of the jobs before. Loading is no part of either. Linux only.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import sysconf
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import Row, row
from inference.blobs import BlobStore
from inference.child.self_timing import made_up
from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.fairness import Limits
from inference.queue.foresight import Foresight, Taken
from inference.queue.ledger import Ledger
from inference.queue.options import WorkerOptions
from inference.queue.speeds import DeviceClock
from inference.queue.tables import metadata
from inference.queue.timings import Timings
from inference.queue.transport.local import LocalDelivery
from inference.requests import (
    REQUESTS,
    AnyRequest,
    Event,
    Failed,
    Finished,
    ModelCard,
    Progress,
    Started,
)

ROUNDS = 10
REPORTED = (1, 2, 10)
STEPS = 10
ALLOWED = 1.5
PATIENCE_SECONDS = 3600.0
LOOK_SECONDS = 0.2
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "pink", "brown", "grey", "violet")


class Seconds(NamedTuple):
    """On the clock and on the processor."""

    wall: float
    cpu: float


@dataclass
class Studio:
    """Ledger, dispatcher and worker, without a bot."""

    ledger: Ledger
    delivery: LocalDelivery
    clock: DeviceClock = field(default_factory=DeviceClock)
    ended: dict[int, asyncio.Future[float]] = field(default_factory=dict)

    def heard(self, job_id: int, event: Event) -> None:
        now = time.monotonic()
        match event:
            case Started():
                self.clock.enter(job_id, now)
            case Progress(stage="loading"):
                self.clock.hold(job_id, now)
            case Progress():
                self.clock.go_on(job_id, now)
            case Finished():
                self.ended[job_id].set_result(self.clock.leave(job_id, now) or 0.0)
            case Failed():
                self.ended[job_id].set_exception(RuntimeError(event.message))

    async def draw(self, queue: Dispatcher, request: AnyRequest) -> Seconds:
        """What a request takes by itself."""
        engine = engine_of(self.delivery)
        began = cpu_seconds(engine)
        accepted = await self.ledger.accept(update_id=None, owner_id=1, chat_id=1, request=request, context={})
        self.ended[accepted.job.id] = asyncio.get_running_loop().create_future()
        await self.ledger.announce(accepted.job.id, accepted.job.id)
        queue.wake()
        wall = await asyncio.wait_for(self.ended[accepted.job.id], PATIENCE_SECONDS)
        return Seconds(wall, cpu_seconds(engine) - began)


def engine_of(delivery: LocalDelivery) -> int:
    """The process id of the worker's engine."""
    worker = delivery.worker_pid
    return int(Path(f"/proc/{worker}/task/{worker}/children").read_text().split()[0])


def cpu_seconds(pid: int) -> float:
    """What a process has had of all processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


def request_of(kind: str, number: int, size: tuple[int, int], blobs: BlobStore) -> AnyRequest | None:
    """A request of a kind as people make them, no two alike; None for a kind that draws nothing."""
    words = f"a {COLOURS[number % 10]} circle on a {COLOURS[(number + 3) % 10]} background"
    large = (size[0] * 2, size[1] * 2) if kind in ("x2", "x4", "flash_x2") else size
    request = REQUESTS[kind].shortest(kind, made_up(words, large, [number, *kind.encode()], blobs.put))
    if request is None:
        return None
    more = {"steps": STEPS} if "steps" in type(request).model_fields else {}
    return request.model_copy(update={**more, "seeds": (number,)})


async def introduced(delivery: LocalDelivery) -> ModelCard:
    """The card of the worker, once it is there. Raises TimeoutError."""
    for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
        if (card := (await delivery.capacity()).card) is not None:
            return card
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError("no worker is there")


async def timed(delivery: LocalDelivery, kinds: list[str]) -> Timings:
    """What the worker has found out about itself, once that is all. Raises TimeoutError."""
    for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
        (worker,) = (await delivery.capacity()).workers
        timings = worker.timings
        if timings is not None and timings.kinds.keys() >= set(kinds):
            return timings
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError("the worker has not timed itself")


async def measure(folder: Path) -> Iterator[Row]:
    """The rows: for every kind the jobs in REPORTED."""
    blobs = BlobStore(str(folder / "blobs"))
    database = open_database(f"sqlite+aiosqlite:///{folder / 'jobs.db'}")
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    options = WorkerOptions(
        device="cpu", threads=1, blobs_url=str(folder / "blobs"), timings_file=folder / "timings.json"
    )
    studio = Studio(Ledger(database, limits=Limits(max_wait_seconds=1e9)), LocalDelivery(options))
    queue = Dispatcher(studio.ledger, studio.delivery, tick_seconds=0.02)
    queue.listen(studio.heard)
    await queue.start()
    try:
        card = await introduced(studio.delivery)
        sizes = {kind: card.of(kind).native_size for kind in card.kinds}
        kinds = [kind for kind in sizes if request_of(kind, 0, sizes[kind], blobs) is not None]
        timings = await timed(studio.delivery, kinds)
        print(f"timed itself: {', '.join(timings.kinds)}", file=sys.stderr)
        told: dict[str, list[tuple[Seconds, Seconds]]] = {kind: [] for kind in kinds}
        learnt: dict[str, list[Taken]] = {}
        for number in range(ROUNDS):
            for kind in kinds:
                request = request_of(kind, number, sizes[kind], blobs)
                assert request is not None
                work = (request.cost, request.developed)
                by_cpu = Foresight(timings, learnt).seconds(kind, *work)
                by_clock = await studio.ledger.estimate(request)
                assert by_cpu is not None and by_clock is not None
                real = await studio.draw(queue, request)
                told[kind].append((Seconds(by_clock, by_cpu), real))
                learnt.setdefault(kind, []).append(Taken(max(real.cpu, 0.01), *work))
    finally:
        await queue.close(0.0)
        await database.dispose()
    return _rows(told)


def _rows(told: dict[str, list[tuple[Seconds, Seconds]]]) -> Iterator[Row]:
    for kind, jobs in told.items():
        for number in REPORTED:
            foretold, real = jobs[number - 1]
            for clock in Seconds._fields:
                said, was = getattr(foretold, clock), max(getattr(real, clock), 0.01)
                case = f"{kind}, job {number}, {clock}: {said:.2g} s foretold, {was:.2g} s real"
                off = max(said / was, was / said)
                target = 1.0 if number > ROUNDS - 1 else None
                yield row("time", case, [(off, ALLOWED)], baseline_name="allowed", target=target, unit="times off")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for measured in asyncio.run(measure(Path(scratch))):
            print(json.dumps(measured.as_json()), flush=True)
