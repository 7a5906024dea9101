"""The short form of the attack by pictures finds nothing."""

from __future__ import annotations

import pytest

from tests.hostile.pictures import attack


@pytest.mark.timeout(240)
def test_pictures_that_nobody_should_send_end_in_a_picture_or_a_refusal() -> None:
    table = attack(long=False, seed=1)
    assert not table.faults, str(table)
