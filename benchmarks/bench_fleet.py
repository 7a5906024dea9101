"""Several workers under the real ledger and dispatcher, their graphics cards being clocks (`benchmarks.dummy_gpu`).

Two alike against one, both in one run; then three with different weights under a mixed load of six persons: how busy
each is, how long people wait, how often a net is loaded, all against what no placement could do better.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dummy_gpu import SLOTS
from benchmarks.harness import Row, row
from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.fairness import Limits
from inference.queue.ledger import Ledger
from inference.queue.options import WorkerOptions
from inference.queue.tables import metadata
from inference.queue.transport.local import LocalDelivery
from inference.requests import AnyRequest, Event, Finished, FlashTextToImage, Mix, Started, TextToImage, WeighedSource

RUNS = 3
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.05
SECONDS = 1.0  # of a device for a job; far above what queue and processes take, also on a machine that is busy
JOBS = 24
LOADING_SECONDS = 1.0
MIXED_JOBS = 60
PERSONS = 6
ROOMY = Limits(waiting_per_person=10**6, running_per_person=10**6, queue_cap=10**6, max_wait_seconds=10**9)
SOURCE = WeighedSource(blob="0" * 64, width=64, height=64)
WEIGHTS = (("flash", "full"), ("flash",), ("full", "mix"))  # of the three workers
SHARES = {"flash": 0.6, "full": 0.2, "mix": 0.2}


def request(kind: str) -> AnyRequest:
    if kind == "flash":
        return FlashTextToImage(prompt="a fox", seeds=(1,))
    if kind == "full":
        return TextToImage(prompt="a fox", seeds=(1,))
    return Mix(prompt="a fox", images=(SOURCE,), seeds=(1,))


class Done(NamedTuple):
    """What came of a load: seconds from the first start to the last end, of these those until each job began, by its
    kind, and what each device wrote down."""

    makespan: float
    waits: list[tuple[str, float]]
    journal: list[dict[str, Any]]


async def there(queue: Dispatcher, slots: int) -> None:
    """Returns once the workers offer so many slots. Raises TimeoutError."""
    for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
        if queue.slots >= slots:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError("the workers are not there")


async def drawn(folder: Path, weights: Sequence[Sequence[str]], kinds: Sequence[str], loading: float) -> Done:
    """Draws jobs of these kinds, ordered at once by several persons, at workers with these weights."""
    database = open_database(f"sqlite+aiosqlite:///{folder / 'jobs.db'}")
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    journal = folder / "journal"
    journal.touch()
    engine = [sys.executable, "-m", "benchmarks.dummy_gpu", "--journal", str(journal), "--seconds", str(SECONDS)]
    engine += ["--weights", "/".join(map(",".join, weights)), "--loading-seconds", str(loading)]
    ledger = Ledger(database, limits=ROOMY)
    delivery = LocalDelivery(WorkerOptions(engine=tuple(engine)), workers=len(weights))
    queue = Dispatcher(ledger, delivery, tick_seconds=0.01)
    began: dict[int, float] = {}
    ended: dict[int, float] = {}
    all_ended = asyncio.Event()

    def heard(job_id: int, event: Event) -> None:
        if isinstance(event, Started):
            began[job_id] = time.monotonic()
        elif isinstance(event, Finished):
            ended[job_id] = time.monotonic()
            if len(ended) == len(kinds):
                all_ended.set()

    queue.listen(heard)
    await queue.start()
    await there(queue, len(weights) * SLOTS)
    order: dict[int, str] = {}
    for number, kind in enumerate(kinds):
        owner = number % PERSONS
        accepted = await ledger.accept(update_id=None, owner_id=owner, chat_id=owner, request=request(kind), context={})
        await ledger.announce(accepted.job.id, number)
        order[accepted.job.id] = kind
    queue.wake()
    await all_ended.wait()
    await queue.close(1.0)
    await database.dispose()
    start = min(began.values())
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    waits = [(kind, began[job_id] - start) for job_id, kind in order.items()]
    return Done(max(ended.values()) - start, waits, lines)


def least(weights: Sequence[Sequence[str]], kinds: Sequence[str]) -> float:
    """Seconds that any placement takes at least: the work of some kinds, divided by those who can draw any of these."""
    numbers = Counter(kinds)
    some = [chosen for size in range(1, len(numbers) + 1) for chosen in itertools.combinations(numbers, size)]
    return max(
        SECONDS * sum(numbers[kind] for kind in chosen) / sum(bool({*chosen} & {*each}) for each in weights)
        for chosen in some
    )


def alone_and_two(scratch: Path) -> Iterator[Row]:
    """The seconds that two workers alike take for what one draws."""
    samples = []
    for run in range(RUNS):
        taken = []
        for workers in (2, 1):
            folder = scratch / f"{run} {workers}"
            folder.mkdir()
            taken.append(asyncio.run(drawn(folder, [["flash"]] * workers, ["flash"] * JOBS, 0.0)).makespan)
        samples.append((taken[0] * 1e3, taken[1] * 1e3))
    yield row("fleet", f"two dummy GPUs, {JOBS} jobs", samples, baseline_name="one dummy GPU", target=1.9)


def mixed(scratch: Path) -> Iterator[Row]:
    """A mixed load on three workers that can each draw something else."""
    rng = random.Random(12)
    kinds = rng.choices(list(SHARES), list(SHARES.values()), k=MIXED_JOBS)
    runs = []
    for number in range(RUNS):
        folder = scratch / f"mixed {number}"
        folder.mkdir()
        runs.append(asyncio.run(drawn(folder, WEIGHTS, kinds, LOADING_SECONDS)))
    bound = least(WEIGHTS, kinds)
    case = f"three workers of different weights, {MIXED_JOBS} jobs"
    yield row("fleet", case, [(run.makespan * 1e3, bound * 1e3) for run in runs], baseline_name="no loading, best")
    for number, weights in enumerate(WEIGHTS):
        busy = [sum(line["busy"] for line in run.journal if line["worker"] == number) / run.makespan for run in runs]
        samples = [(100.0, 100 * share) for share in busy]
        named = f"{case}: busy, {' and '.join(weights)}"
        yield row("fleet", named, samples, baseline_name="busy", unit="%")
    loads = [(float(sum(line["loads"] for line in run.journal)), float(MIXED_JOBS)) for run in runs]
    yield row("fleet", f"{case}: nets loaded", loads, baseline_name="jobs", unit="times")
    for kind in SHARES:
        waits = [sorted(wait for which, wait in run.waits if which == kind) for run in runs]
        middle = [(statistics.median(each) * 1e3, run.makespan * 1e3) for each, run in zip(waits, runs, strict=True)]
        yield row("fleet", f"{case}: median wait, {kind}", middle, baseline_name="until all are done")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # for engines, whose module lies here
    with tempfile.TemporaryDirectory() as scratch:
        for measured in itertools.chain(alone_and_two(Path(scratch)), mixed(Path(scratch))):
            print(json.dumps(measured.as_json()), flush=True)
