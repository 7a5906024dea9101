"""Whatever strikes the queue's server, and whatever is amiss with it, costs time and nothing else; over TLS, too."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos import strikes
from tests.chaos.conftest import LONG
from tests.chaos.fleet import Fleet
from tests.chaos.harness import Stage
from tests.chaos.table import USUAL
from tests.chaos.trial import Fault, Row, accounted, tried

SECONDS = 3.0 if LONG else 0.5
STRIKES = {
    "full": strikes.full(SECONDS),
    "wrong password": strikes.wrong_password(SECONDS),
    "slow": strikes.slow(SECONDS),
    "cut": strikes.cut(SECONDS),
    "a wrong clock": strikes.wrong_clock,
    "forgets": strikes.kill_redis,
}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with closing(Fleet(tmp_path, tls=True, presence_seconds=6.0, **USUAL)) as fleet:
        fleet.hire()
        fleet.hire()
        fleet.start()
        yield fleet


@pytest.mark.timeout(600)
def test_a_server_that_is_full_or_slow_or_forbids_or_forgets_or_is_cut_off_loses_no_job(fleet: Fleet) -> None:
    chance = random.Random(0)
    for name, strike in STRIKES.items():
        row = tried(fleet, Fault(name, strike), "Redis, TLS", 1, chance)
        assert row.well and len(row.seconds) == 1, row.line()
    assert set(fleet.judge()) == {"done"}
    assert all(worker.poll() is None for worker in fleet.workers[1:]), "no worker ends of it"
    assert row.lost == row.twice == row.stuck == 0
    _what_is_amiss_is_found(fleet)


def _what_is_amiss_is_found(stage: Stage) -> None:
    """The account is no better than what it would notice."""
    shown = stage.journal("shown")[0]
    with (stage.folder / "journal").open("a") as journal:
        journal.write(json.dumps({**shown, "message": shown["message"] + 1}) + "\n")
    stage.plan.append({**stage.plan[0], "update": len(stage.plan) + 1})
    row = accounted(stage, Row("", ""))
    assert (row.lost, row.twice, row.stuck, row.well) == (1, 1, 0, False)
