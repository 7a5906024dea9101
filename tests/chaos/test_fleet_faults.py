"""Whatever dies between two machines, every accepted job ends exactly once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.queue.transport.redis.offer import PROTOCOL
from tests.chaos.conftest import JOBS, LONG
from tests.chaos.fleet import Fleet
from tests.chaos.test_faults import halfway
from tests.waiting import blocking_until

SetUp = Callable[..., Fleet]
long_run_only = pytest.mark.skipif(not LONG, reason="of the long run: make chaos")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[SetUp]:
    fleets: list[Fleet] = []

    def set_up(*, workers: int = 2, **options: Any) -> Fleet:
        fleets.append(Fleet(tmp_path, **{"slots": 2, "step_seconds": 0.05, **options}))
        for _ in range(workers):
            fleets[-1].hire()
        fleets[-1].ask(["a cat"] * JOBS, owner=[1, 2, 3])
        fleets[-1].start()
        return fleets[-1]

    yield set_up
    for each in fleets:
        each.close()


def starts(fleet: Fleet) -> Counter[int]:
    return Counter(line["job"] for line in fleet.runs("start"))


def test_a_killed_worker_and_a_server_that_forgets_everything_lose_no_job(fleet: SetUp) -> None:
    rough = fleet()
    blocking_until(lambda: rough.runs("start"), "the first job in an engine")
    rough.workers[0].kill()
    rough.hire()
    halfway(rough, 0.4, JOBS)
    rough.redis.kill()
    rough.redis.start()
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}
    assert not any(row["suspect"] for row in rough.rows()), "nobody's fault"
    assert [worker.poll() for worker in rough.workers[1:]] == [None, None], "no worker ends of it"


@long_run_only
def test_a_cut_of_five_seconds_costs_no_run(fleet: SetUp) -> None:
    rough = fleet(presence_seconds=15.0)
    halfway(rough, 0.2, JOBS)
    rough.wire.cut()
    began = time.monotonic()
    blocking_until(lambda: time.monotonic() - began > 5.0, "five seconds without a line")
    rough.wire.mend()
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}
    assert max(starts(rough).values()) == 1


@long_run_only
def test_a_killed_bot_does_not_disturb_what_runs(fleet: SetUp) -> None:
    rough = fleet()
    halfway(rough, 0.3, JOBS)
    rough.kill_bot()
    blocking_until(lambda: len(rough.runs("start")) == len(rough.runs("end")), "the workers done with what they had")
    rough.start()
    halfway(rough, 0.6, JOBS)
    assert rough.stop() == 0
    rough.start()
    rough.wait_settled()
    assert rough.judge(kills_of_bot=1) == {"done": JOBS}
    assert max(starts(rough).values()) == 1, "nothing is drawn twice"


@long_run_only
def test_a_worker_that_stands_still_is_given_up_and_may_come_back(fleet: SetUp) -> None:
    rough = fleet()
    halfway(rough, 0.1, JOBS)
    rough.workers[0].send_signal(signal.SIGSTOP)
    halfway(rough, 0.5, JOBS)
    rough.workers[0].send_signal(signal.SIGCONT)
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}


@long_run_only
def test_workers_that_are_asked_to_go_finish_what_they_run(fleet: SetUp) -> None:
    rolling = fleet()
    for number, part in enumerate((0.1, 0.3, 0.5)):
        halfway(rolling, part, JOBS)
        rolling.hire()
        rolling.workers[number].send_signal(signal.SIGTERM)
        assert rolling.workers[number].wait(30) == 0
    rolling.wait_settled()
    assert rolling.judge() == {"done": JOBS}
    assert max(starts(rolling).values()) == 1


@long_run_only
def test_an_upgrade_of_the_workers_one_by_one_and_then_of_the_bot_draws_everything_once(fleet: SetUp) -> None:
    rolling = fleet()
    for number, part in enumerate((0.1, 0.3)):
        halfway(rolling, part, JOBS)
        rolling.hire(protocol=PROTOCOL + 1)
        rolling.workers[number].send_signal(signal.SIGTERM)
        assert rolling.workers[number].wait(60) == 0
    halfway(rolling, 0.5, JOBS)
    assert rolling.stop() == 0
    rolling.start()
    rolling.wait_settled()
    assert rolling.judge() == {"done": JOBS}
    assert max(starts(rolling).values()) == 1
    assert len({line["engine"] for line in rolling.runs("end")}) == 4, "old and new ones have drawn"


@long_run_only
def test_a_server_that_is_killed_again_and_again_costs_little(fleet: SetUp) -> None:
    rough = fleet()
    for part in (0.1, 0.3, 0.5, 0.7):
        halfway(rough, part, JOBS)
        rough.redis.kill()
        rough.redis.start()
    rough.wait_settled()
    assert rough.judge() == {"done": JOBS}
