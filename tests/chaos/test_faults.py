"""Whatever dies, every accepted job ends exactly once, where the person can see it."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from tests.chaos.conftest import JOBS, LONG, SEEDS
from tests.chaos.harness import Stage
from tests.waiting import blocking_until

SetUp = Callable[..., Stage]


def ended(stage: Stage) -> int:
    return sum(stage.states()[state] for state in ("done", "failed", "dead", "cancelled"))


def halfway(stage: Stage, part: float, total: int) -> None:
    blocking_until(lambda: ended(stage) >= part * total, f"{part:.0%} of {total} jobs")


def count_suspects(stage: Stage) -> int:
    return sum(bool(row["suspect"]) for row in stage.rows("select suspect from jobs"))


def test_without_faults_every_job_runs_once_and_sigterm_leaves_nothing_behind(stage: SetUp) -> None:
    quiet = stage()
    quiet.ask(["a cat"] * JOBS, owner=[1, 2, 3, 4])
    quiet.start()
    quiet.wait_settled()
    assert quiet.judge() == {"done": JOBS}
    assert len(quiet.runs("start")) == JOBS
    assert quiet.stop() == 0
    assert quiet.processes() == []


def test_jobs_of_killed_workers_are_drawn_again(stage: SetUp) -> None:
    kills = 4 if LONG else 1
    rough = stage(step_seconds=0.02)
    rough.ask(["a cat"] * JOBS, owner=[1, 2, 3])
    rough.start()
    for number in range(kills):
        halfway(rough, (number + 0.5) / (kills + 1), JOBS)
        victim = blocking_until(rough.worker_pid, "a worker")
        engine = rough.engine_pid()
        rough.kill(victim)
        blocking_until(lambda gone=(victim, engine): not {*gone} & {*rough.processes()}, "worker and engine gone")
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}
    assert not any(row["suspect"] for row in rough.rows()), "a killed worker is nobody's fault"


def test_a_killed_engine_makes_suspects_that_run_alone_and_are_acquitted(stage: SetUp) -> None:
    rough = stage(step_seconds=0.04)
    rough.ask(["a cat"] * JOBS, owner=[1, 2, 3])
    rough.start()
    worker = blocking_until(rough.worker_pid, "a worker")
    for part in (0.1, 0.5) if LONG else (0.1,):
        halfway(rough, part, JOBS)
        suspects = count_suspects(rough)
        while count_suspects(rough) == suspects:  # a kill between two jobs makes none
            blocking_until(lambda: len(rough.inside()) > 1, "company in the engine")
            crashed = rough.engine_pid()
            rough.kill(crashed)
            blocking_until(lambda gone=crashed: rough.engine_pid() not in (None, gone), "another engine")
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}
    assert rough.worker_pid() == worker, "the worker outlives its engine"
    told = [line for line in rough.runs("start") if line["told_alone"]]
    assert told and all(line["alone"] for line in told)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_poison_job_dies_after_three_lone_crashes_and_harms_nobody(stage: SetUp, seed: int) -> None:
    prompts = ["a cat"] * (JOBS - 1)
    prompts.insert(random.Random(seed).randrange(JOBS), "poison apple")
    rough = stage()
    rough.ask(prompts, owner=[1, 2, 3])
    rough.start()
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS - 1, "dead": 1}
    [dead] = rough.rows("select * from jobs where state = 'dead'")
    assert "engine_crashed" in dead["outcome"] and dead["crashes"] == 3
    entries = [line for line in rough.runs("start") if line["job"] == dead["id"]]
    assert len(entries) <= 4, "once in company, three times alone"
    innocent = Counter(line["job"] for line in rough.runs("start") if line["job"] != dead["id"])
    assert max(innocent.values()) <= 2, "others are delayed once at most"


def test_a_killed_bot_finds_its_jobs_and_its_messages_again(stage: SetUp) -> None:
    kills = 4 if LONG else 1
    rough = stage(step_seconds=0.02)
    rough.ask(["a cat"] * JOBS, owner=[1, 2, 3])
    for number in range(kills):
        rough.start()
        halfway(rough, (number + 0.5) / (kills + 1), JOBS)
        rough.kill_bot()
        blocking_until(lambda: not rough.processes(), "worker and engine gone by themselves")
    rough.start()
    rough.wait_settled()
    assert rough.judge(kills_of_bot=kills) == {"done": JOBS}


def test_cancelled_jobs_stop_within_a_step_or_never_start(stage: SetUp) -> None:
    calm = stage(slots=3, steps=40, step_seconds=0.05)
    calm.ask(["a cat"] * 10, owner=[1, 2, 3])
    calm.start()
    blocking_until(
        lambda: calm.states()["running"] == 3 and calm.states()["queued"] == 7, "three running, seven waiting"
    )
    running = [row["id"] for row in calm.rows("select id from jobs where state = 'running'")]
    waiting = [row["id"] for row in calm.rows("select id from jobs where state = 'queued' limit 5")]
    for job_id in [*waiting, *running]:
        calm.tell("cancel", job_id)
    blocking_until(lambda: calm.states()["cancelled"] == 8, "eight cancelled")
    calm.wait_settled()
    assert calm.judge() == {"cancelled": 8, "done": 2}
    assert not {line["job"] for line in calm.runs("start")} & set(waiting)
    asked_at = {line["job"]: line["at"] for line in calm.journal("stopping")}
    for line in calm.runs("end"):
        if line["job"] in running:
            assert line["outcome"] == "cancelled"
            assert line["at"] - asked_at[line["job"]] < 2 * 0.05 + 1.0, "two steps, and what a busy machine takes"
            assert line["step"] < 40
            assert pictures_of(calm, line["job"]) == 2 * line["step"] // 40, "those that were whole"


@pytest.mark.parametrize("victim", ["engine", "worker", "bot"])
@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_dies_what_was_cancelled_stays_cancelled_and_is_never_drawn_again(
    stage: SetUp, victim: str, seed: int
) -> None:
    chance = random.Random(seed)
    rough = stage(slots=3, steps=40, step_seconds=0.03)
    waits = [True, chance.random() < 0.5]  # until the cancel is through, or dies in the middle of it
    endless: list[int] = []  # these end by a cancel alone, so that none comes too late, however busy the machine is

    def all_cancelled() -> bool:
        """Said again where the word died with the bot."""
        left = at_work(rough, endless)
        for job_id in left:
            rough.tell("cancel", job_id)
        return not left and rough.states()["cancelled"] == len(endless)

    rough.start()
    for is_through in waits:
        endless += (two := rough.ask(["half"] * 2, owner=[1, 2]))
        rough.ask(["a cat"] * 2, owner=3)
        blocking_until(lambda two=two: len(at_work(rough, two)) == 2, "both at work")
        before = len(rough.journal("cancel"))
        for job_id in at_work(rough, two):
            rough.tell("cancel", job_id)
        if is_through:
            blocking_until(lambda before=before: len(rough.journal("cancel")) > before, "a cancel that is through")
        if victim == "bot":
            rough.kill_bot()
            rough.start()
        else:
            rough.kill(rough.engine_pid() if victim == "engine" else rough.worker_pid())
        blocking_until(all_cancelled, lambda: f"all cancelled; states are {rough.states()}")
    rough.wait_settled()
    states = rough.judge(kills_of_bot=2 if victim == "bot" else 0)
    assert set(states) <= {"done", "cancelled"}
    heard_at = {line["job"]: line["at"] for line in rough.journal("stopping")}
    ended = {row["id"]: row["state"] for row in rough.rows()}
    assert heard_at and {ended[job_id] for job_id in heard_at} == {"cancelled"}
    again = [line for line in rough.runs("start") if line["at"] > heard_at.get(line["job"], float("inf"))]
    assert not again, "drawn after the cancel was on disk"


def at_work(stage: Stage, updates: list[int]) -> list[int]:
    """Which of the jobs of these updates are running."""
    named = ",".join(map(str, updates))
    return [row["id"] for row in stage.rows(f"select id from jobs where state = 'running' and update_id in ({named})")]


def test_a_job_that_hangs_is_cancelled_all_the_same(stage: SetUp) -> None:
    stuck = stage(silence_seconds=3.0)
    stuck.ask(["hang", "a cat"], owner=[1, 2])
    stuck.start()
    blocking_until(lambda: stuck.states()["running"], "one inside")
    [hanging] = stuck.rows("select id from jobs where update_id = 1")
    stuck.tell("cancel", hanging["id"])
    stuck.wait_settled()
    assert stuck.judge() == {"cancelled": 1, "done": 1}
    assert sum(line["job"] == hanging["id"] for line in stuck.runs("start")) == 1


def pictures_of(stage: Stage, job_id: int) -> int:
    """How many pictures a job has ended with."""
    [row] = stage.rows(f"select outcome from jobs where id = {job_id}")
    return len(json.loads(row["outcome"])["pictures"])


def test_workers_that_are_asked_to_go_finish_what_they_run(stage: SetUp) -> None:
    rolling = stage(step_seconds=0.02)
    rolling.ask(["a cat"] * JOBS, owner=[1, 2, 3])
    rolling.start()
    for part in (0.2, 0.4, 0.6) if LONG else (0.3,):
        halfway(rolling, part, JOBS)
        victim = blocking_until(rolling.worker_pid, "a worker")
        rolling.kill(victim, signal.SIGTERM)
        blocking_until(lambda gone=victim: gone not in rolling.processes(), "the worker gone")
    rolling.wait_settled()
    assert rolling.judge() == {"done": JOBS}
    assert max(Counter(line["job"] for line in rolling.runs("start")).values()) == 1, "nothing is drawn twice"


@pytest.mark.parametrize("seed", SEEDS)
def test_random_faults_one_after_the_other(stage: SetUp, seed: int) -> None:
    chance = random.Random(seed)
    rough = stage(step_seconds=0.02)
    rough.ask(["a cat"] * JOBS, owner=[1, 2, 3])
    rough.start()
    # An engine's death counts against who is alone inside, so twice is all that the innocent are sure to survive.
    faults = ["engine", "engine", *chance.choices(["bot", "worker", "roll", "block"], k=6 if LONG else 2)]
    chance.shuffle(faults)
    done: defaultdict[str, int] = defaultdict(int)
    for number, fault in enumerate(faults):
        halfway(rough, number / (len(faults) + 1), JOBS)
        done[fault] += 1
        match fault:
            case "engine":
                rough.kill(rough.engine_pid())
            case "worker":
                rough.kill(rough.worker_pid())
            case "roll":
                rough.kill(rough.worker_pid(), signal.SIGTERM)
            case "block":
                rough.tell("block", 0.5)
            case "bot":
                rough.kill_bot()
                rough.start()
    rough.wait_settled()
    assert rough.judge(kills_of_bot=done["bot"]) == {"done": JOBS}
