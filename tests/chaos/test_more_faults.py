"""Faults for the long run only: each has a quick test of its own at the part that answers it."""

from __future__ import annotations

from collections import Counter

from tests.chaos.conftest import JOBS
from tests.chaos.test_faults import SetUp, halfway
from tests.waiting import blocking_until


def test_a_hung_engine_is_killed_and_the_hanging_job_given_up(stage: SetUp) -> None:
    few = stage(silence_seconds=0.4)
    few.ask(["a cat", "hang", "a dog"], owner=[1, 2, 3])
    few.start()
    few.wait_settled()
    assert few.judge() == {"done": 2, "dead": 1}


def test_passing_troubles_are_retried_and_final_ones_are_not(stage: SetUp) -> None:
    few = stage()
    few.ask(["flaky 2", "flaky 9", "wrong", "a cat"], owner=[1, 2, 3, 4])
    few.start()
    few.wait_settled()
    assert few.judge() == {"done": 2, "failed": 2}
    starts = Counter(line["job"] for line in few.runs("start"))
    assert [starts[row["id"]] for row in few.rows()] == [3, 4, 1, 1]


def test_a_redelivered_update_makes_no_second_job(stage: SetUp) -> None:
    twice = stage()
    twice.ask(["a cat"] * 4)
    twice.start()
    twice.wait_settled()
    assert twice.stop() == 0
    with (twice.folder / "plan").open("a") as plan:
        plan.write((twice.folder / "plan").read_text())
    twice.start()  # reads the plan from the beginning, in which every update now comes twice
    twice.ask(["a dog"])
    twice.wait_settled()
    assert twice.judge() == {"done": 5}


def test_a_bot_that_stops_lets_running_jobs_end_and_keeps_the_rest(stage: SetUp) -> None:
    patient = stage(step_seconds=0.03)
    patient.ask(["a cat"] * 12, owner=[1, 2, 3])
    patient.start()
    blocking_until(lambda: patient.states()["running"] == 4, "four running")
    assert patient.stop() == 0
    assert patient.processes() == []
    assert set(patient.states()) <= {"done", "queued"}
    patient.start()
    patient.wait_settled()
    assert patient.judge() == {"done": 12}
    assert max(Counter(line["job"] for line in patient.runs("start")).values()) == 1


def test_a_blocked_event_loop_and_a_jumping_clock_only_cost_time(stage: SetUp) -> None:
    dizzy = stage(step_seconds=0.02)
    dizzy.ask(["flaky 1", *["a cat"] * (JOBS - 1)], owner=[1, 2, 3])
    dizzy.start()
    for part, words in ((0.2, ("clock", 3600)), (0.4, ("block", 1.5)), (0.6, ("clock", -7200))):
        halfway(dizzy, part, JOBS)
        dizzy.tell(*words)
    dizzy.ask(["flaky 1"], owner=4)  # its pause begins after the last jump
    dizzy.wait_settled()
    assert dizzy.judge() == {"done": JOBS + 1}
    starts = Counter(line["job"] for line in dizzy.runs("start"))
    assert sorted(starts.values())[-3:] == [1, 2, 2]
