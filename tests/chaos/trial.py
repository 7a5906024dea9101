"""A stage that is kept busy while one kind of fault strikes it again and again, and the account of what came of it."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.harness import TERMINAL, Stage
from tests.waiting import blocking_until

OPEN = 12  # jobs that wait or run while faults strike
OWNERS = (1, 2, 3)
STUCK_SECONDS = 240.0

Strike = Callable[[Any, random.Random], None]


@dataclass(frozen=True)
class Fault:
    """`strike` does it to a stage, mends what a person would have to, and returns; `stage` are options of the stage."""

    name: str
    strike: Strike
    stage: dict[str, Any] = field(default_factory=dict)


@dataclass
class Row:
    """Of one kind of fault. `seconds` are, for each, from its beginning until all jobs that it hit had ended; `again`
    counts displays that were repeated in the same message, which a kill before the commit may cost."""

    fault: str
    way: str
    seconds: list[float] = field(default_factory=list)
    jobs: int = 0
    reruns: int = 0
    lost: int = 0
    twice: int = 0
    stuck: int = 0
    again: int = 0

    @property
    def well(self) -> bool:
        return not (self.lost or self.twice or self.stuck)

    def line(self) -> str:
        times = f"{statistics.median(self.seconds):.1f} | {max(self.seconds):.1f}" if self.seconds else "- | -"
        counts = f"{self.jobs} | {self.reruns} | {self.lost} | {self.twice} | {self.stuck} | {self.again}"
        return f"| {self.fault} | {self.way} | {len(self.seconds)} | {times} | {counts} |"


HEAD = """\
| fault | over | faults | s, median | s, worst | jobs | reruns | lost | shown twice | stuck | said again |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def tried(
    stage: Stage, fault: Fault, way: str, times: int, chance: random.Random, seconds: float = float("inf")
) -> Row:
    """Strikes a started stage so often, or for so long; each time when what it hit the time before is through."""
    row, until = Row(fault.name, way), time.monotonic() + seconds
    for _ in range(times):
        if time.monotonic() > until:
            break
        try:
            hit = blocking_until(lambda: _busy(stage), "jobs at workers", seconds=STUCK_SECONDS)
            over(chance.uniform(0.0, 0.4))  # so that a fault does not always strike at the same moment of a job
            began = time.monotonic()
            fault.strike(stage, chance)
            blocking_until(lambda hit=hit: not _still_open(stage, hit), "what was hit", seconds=STUCK_SECONDS)
        except AssertionError as in_vain:
            print(f"{fault.name}: {in_vain}; states are {stage.states()}", file=sys.stderr, flush=True)
            break
        row.seconds.append(time.monotonic() - began)
    with suppress(AssertionError):  # then some are lost or stuck, as the account says
        stage.wait_settled(STUCK_SECONDS)
    return accounted(stage, row)


def _busy(stage: Stage) -> set[int]:
    """Those at workers, if there are some; more are asked for where few wait."""
    counted = stage.states()
    waiting = sum(number for state, number in counted.items() if state not in TERMINAL)
    taken_in = sum(counted.values())
    if waiting < OPEN and taken_in == len(stage.plan):
        stage.ask(["a cat"] * (OPEN - waiting), owner=OWNERS)
    running = stage.rows("select id from jobs where state = 'running'")
    return {row["id"] for row in running}


def _still_open(stage: Stage, hit: set[int]) -> int:
    named = ",".join(map(str, hit))
    listed = ",".join(f"'{state}'" for state in TERMINAL)
    return len(stage.rows(f"select id from jobs where id in ({named}) and state not in ({listed})"))


def over(seconds: float) -> None:
    """Returns after so many seconds."""
    end = time.monotonic() + seconds
    blocking_until(lambda: time.monotonic() >= end, seconds=seconds + 60)


def accounted(stage: Stage, row: Row) -> Row:
    """The row, with what is known of all jobs of the stage."""
    jobs = {job["id"]: job for job in stage.rows()}
    shown: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in stage.journal("shown"):
        shown[line["job"]].append(line)
    starts = Counter(line["job"] for line in stage.runs("start"))
    ended = [job for job in jobs.values() if job["state"] in TERMINAL and job["shown_at"] is not None]
    row.jobs = len(stage.plan)
    row.reruns = sum(starts.values()) - len(starts)
    row.lost = len({one["update"] for one in stage.plan} - {job["update_id"] for job in jobs.values()})
    row.lost += sum(job["state"] != "done" for job in ended)
    row.stuck = max(row.stuck, len(jobs) - len(ended))
    for lines in shown.values():
        seen = {(line["message"], line["outcome"]) for line in lines}
        lives = {line["bot"] for line in lines}
        row.twice += len(seen) > 1 or len(lives) < len(lines)
        row.again += len(lines) - 1
    return row
