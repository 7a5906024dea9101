"""`python -m tests.chaos.table [--faults N] [--soak JOBS]`: every fault again and again, a row for each kind; then so
many jobs one after the other. Hours, at full length."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos import strikes
from tests.chaos.fleet import Fleet, Pair
from tests.chaos.harness import Stage
from tests.chaos.trial import HEAD, STUCK_SECONDS, Fault, Row, tried
from tests.postgres import cluster
from tests.waiting import blocking_until

AT_ONCE = 100  # jobs that are asked for together in the soak, when fewer are open
USUAL = {"slots": 2, "steps": 8, "step_seconds": 0.1}


@contextmanager
def staged(kind: str, fault: Fault) -> Iterator[Stage]:
    """A started stage: beside the bot, over Redis with two workers, or that with two bots."""
    with tempfile.TemporaryDirectory(prefix="studio-chaos-") as folder:
        options = {**USUAL, **fault.stage}
        if kind == "local":
            stage: Stage = Stage(Path(folder), **{**options, "slots": 4})
        elif kind == "two bots":
            stage = Pair(Path(folder), database_url=cluster.address(cluster.create()), **options)
        else:
            stage = Fleet(Path(folder), **options)
        with closing(stage):
            if isinstance(stage, Fleet):
                stage.hire()
                stage.hire()
            if isinstance(stage, Pair):
                stage.start()
            stage.start()
            yield stage


def rows(faults: int, seed: int, wanted: str = "", minutes: float = float("inf")) -> Iterator[Row]:
    """Rows as they are made, `faults` in all but where a kind is slow by nature, each kind with its share of so many
    minutes."""
    kinds = [(kind, fault) for kind, them in KINDS.items() for fault in them if wanted in f"{fault.name}, {kind}"]
    for number, (kind, fault) in enumerate(kinds):
        times = max(1, faults // len(kinds) + (number < faults % len(kinds)))
        if "30 s" in fault.name:
            times = max(1, times // 4)
        with staged(kind, fault) as stage:
            yield tried(stage, fault, kind, times, random.Random(seed + number), minutes * 60 / len(kinds))


KINDS = {
    "local": strikes.LOCAL,
    "Redis": strikes.REMOTE,
    "Redis, TLS": strikes.BY_TLS,
    "two bots": strikes.TWO_BOTS,
}


def soak(jobs: int) -> str:
    """So many jobs without a fault, through Redis; what came of them in a line."""
    with staged("Redis", Fault("none", strikes.kill_bot, {"slots": 8, "steps": 2, "step_seconds": 0.002})) as stage:
        began = time.monotonic()
        while len(stage.plan) < jobs:
            stage.ask(["a cat"] * min(AT_ONCE, jobs - len(stage.plan)), owner=[1, 2, 3, 4])
            blocking_until(lambda: _through(stage), seconds=STUCK_SECONDS)
        stage.wait_settled(STUCK_SECONDS)
        seconds = time.monotonic() - began
        states = stage.judge()
        again = len(stage.runs("start")) - jobs
    return f"{jobs} jobs in {seconds:.0f} s ({jobs / seconds:.0f} a second): {dict(states)}, {again} drawn again"


def _through(stage: Stage) -> bool:
    """Whether few are open of all that were asked for."""
    return stage.taken_in() == len(stage.plan) and stage.open() < AT_ONCE


def told(all_rows: Iterable[Row]) -> bool:
    """Prints rows as they come. Returns whether nothing was lost, shown twice or stuck."""
    print(HEAD, flush=True)
    well, total = True, Row("all", "")
    for row in all_rows:
        print(row.line(), flush=True)
        well &= row.well
        total.seconds += row.seconds
        for name in ("jobs", "reruns", "lost", "twice", "stuck", "again"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    print(total.line(), flush=True)
    return well


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--soak", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="for all faults together, about")
    asked = parser.parse_args(words)
    keeper = cluster.begin()
    try:
        well = told(rows(asked.faults, asked.seed, asked.only, asked.minutes)) if asked.faults else True
        if asked.soak:
            print(soak(asked.soak), flush=True)
    finally:
        cluster.end(keeper)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
