"""What an attack leaves behind: a table for people, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """What was done and what came of it. `faults` are sentences; where there are none, the studio has held."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Markdown, the faults below it."""
        lines = [f"## {self.title}", "", _row(self.columns), _row(["---"] * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        lines += ["", *(f"- FAULT: {fault}" for fault in self.faults)] if self.faults else []
        return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
