"""What the quality benchmark finds, with its targets, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Unit = Literal["%", "points", "dB", "levels", "s"]
_DIGITS: dict[Unit, int] = {"%": 0, "points": 1, "dB": 2, "levels": 0, "s": 2}


@dataclass(frozen=True)
class Finding:
    """One line: a figure in `unit` taken of `samples` pictures; `beside` is what it is to be seen next to.

    `target` is what the figure has to reach, or, with `at_most`, what it must not exceed; None where it is only
    reported.
    """

    case: str
    figure: float
    samples: int
    unit: Unit = "%"
    target: float | None = None
    at_most: bool = False
    beside: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return "reported"
        reached = self.figure <= self.target if self.at_most else self.figure >= self.target
        return "reached" if reached else "missed"


@dataclass(frozen=True)
class Section:
    """One part of the report. `remark` says what was measured, or why nothing was; `table` comes first."""

    title: str
    remark: str
    findings: Sequence[Finding] = field(default_factory=tuple)
    table: str = ""


def share(case: str, hits: Sequence[bool], **options: object) -> Finding:
    """The finding that `case` held in so many of all."""
    return Finding(case, 100 * sum(hits) / len(hits), len(hits), **options)  # type: ignore[arg-type]


def mean(case: str, figures: Sequence[float], unit: Unit, **options: object) -> Finding:
    """The finding of an average."""
    return Finding(case, sum(figures) / len(figures), len(figures), unit, **options)  # type: ignore[arg-type]


def markdown(section: Section) -> str:
    """The section with its tables."""
    parts = [f"## {section.title}", section.remark]
    if section.table:
        parts.append(section.table)
    if section.findings:
        rows = ["| | measured | beside | of | target | |", "|---|---|---|---|---|---|"]
        parts.append("\n".join([*rows, *map(_line, section.findings)]))
    return "\n\n".join(parts)


def _line(found: Finding) -> str:
    target = "–"
    if found.target is not None:
        target = f"{'≤' if found.at_most else '≥'} {_with_unit(found.target, found.unit)}"
    figure = _with_unit(found.figure, found.unit)
    return f"| {found.case} | {figure} | {found.beside or '–'} | {found.samples} | {target} | {found.verdict} |"


def _with_unit(figure: float, unit: Unit) -> str:
    return f"{figure:.{_DIGITS[unit]}f} {unit}"
