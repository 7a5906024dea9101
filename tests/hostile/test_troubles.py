"""The short form: files gone under a running studio, a full disk where one can be had, a clock that jumps."""

from __future__ import annotations

import pytest

from tests.hostile.troubles import attack


@pytest.mark.timeout(300)
def test_troubles_of_the_machine_are_told_survived_and_over_by_themselves() -> None:
    table = attack(long=False, seed=1)
    assert not table.faults, f"\n{table}"
