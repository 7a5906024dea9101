from __future__ import annotations

import pytest

from tests.hostile.presses import attack


@pytest.mark.timeout(300)
def test_no_forged_press_breaks_anything_shows_or_changes_what_is_not_the_pressers_or_stays_unanswered() -> None:
    table = attack(long=False, seed=1)
    assert not table.faults, str(table)
