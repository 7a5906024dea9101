"""Interleaved timing: variants in turn inside one process, CPU time first, ratios instead of seconds.

Machines are shared and drift; a ratio of two things measured side by side holds where a time does not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

RUNS = 3
REPEATS = 7


@dataclass(frozen=True)
class Row:
    """One printed line. `ratio` is baseline / ours (above 1: ours takes less), the median over runs with its range.

    `target` is what the ratio has to reach, None where the figure is only reported.
    """

    bench: str
    case: str
    ours: float
    baseline_name: str
    baseline: float
    ratio: float
    low: float
    high: float
    target: float | None = None
    unit: str = "ms"

    @property
    def verdict(self) -> str:
        if self.target is None:
            return "reported"
        return "reached" if self.ratio >= self.target else "missed"

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "verdict": self.verdict}


def cpu_ms(action: Callable[[], object]) -> float:
    """CPU milliseconds of this process, all threads, spent in one call."""
    start = time.process_time()
    action()
    return (time.process_time() - start) * 1e3


def wall_ms(action: Callable[[], object]) -> float:
    """Milliseconds on the clock: for what waits for a disk or for another thread."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def compare(
    bench: str,
    case: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    baseline_name: str,
    target: float | None = None,
    runs: int = RUNS,
    repeats: int = REPEATS,
    warm_up: bool = True,
    clock: Callable[[Callable[[], object]], float] = cpu_ms,
) -> Row:
    """Times two calls in turn, `repeats` a run; the row holds the median ratio of `runs` runs.

    `warm_up` makes one call of each before that, which is left out.
    """
    if warm_up:
        ours(), baseline()
    medians = []
    for _ in range(runs):
        pairs = [(clock(ours), clock(baseline)) for _ in range(repeats)]
        medians.append((statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)))
    return row(bench, case, medians, baseline_name=baseline_name, target=target)


def row(
    bench: str,
    case: str,
    runs: Sequence[tuple[float, float]],
    *,
    baseline_name: str,
    target: float | None = None,
    unit: str = "ms",
) -> Row:
    """The row of one (ours, baseline) a run, both in `unit` and better when smaller."""
    ratios = [baseline / ours for ours, baseline in runs]
    return Row(
        bench,
        case,
        statistics.median(ours for ours, _ in runs),
        baseline_name,
        statistics.median(baseline for _, baseline in runs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        target,
        unit,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| benchmark | case | ours | baseline | ratio (range) | target | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        target = "–" if row.target is None else f"≥ {row.target:g}"
        lines.append(
            f"| {row.bench} | {row.case} | {_short(row.ours)} {row.unit} "
            f"| {row.baseline_name}: {_short(row.baseline)} {row.unit} "
            f"| {row.ratio:.2f} ({row.low:.2f}–{row.high:.2f}) | {target} | {row.verdict} |"
        )
    return "\n".join(lines)


def _short(figure: float) -> str:
    """Three digits that count: 0.512, 51.2, 5,120."""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"
