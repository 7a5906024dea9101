from __future__ import annotations

from tests.hostile.updates import attack


def test_no_fuzzed_update_stops_the_bot_or_goes_unanswered() -> None:
    assert attack(long=False, seed=1, count=600).faults == ()
