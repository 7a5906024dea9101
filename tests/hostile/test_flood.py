"""However much one person sends, another is answered, the flooder is told once, and memory stays bounded."""

from __future__ import annotations

from tests.hostile.flood import attack


def test_a_flood_of_one_keeps_nobody_from_an_answer() -> None:
    table = attack(long=False, seed=1)
    assert table.faults == (), str(table)
