from __future__ import annotations

from tests.hostile.webhook import attack


def test_no_hammering_at_the_webhook_is_an_error_or_keeps_a_good_update_out() -> None:
    assert attack(long=False, seed=1, count=300).faults == ()
