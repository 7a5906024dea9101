from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from benchmarks.harness import Row, compare, row, table


def taking(*milliseconds: float) -> Callable[[], float]:
    """An action that says how long it took, one number a call; the first call is the warm-up."""
    times: Iterator[float] = iter(milliseconds)
    return lambda: next(times)


def stopwatch(action: Callable[[], object]) -> float:
    """A clock that believes the action."""
    taken = action()
    assert isinstance(taken, float)
    return taken


def measured(ours: Callable[[], float], baseline: Callable[[], float], **options: float | None) -> Row:
    return compare("bench", "case", ours, baseline, baseline_name="them", clock=stopwatch, **options)  # type: ignore


def test_the_ratio_is_the_median_over_runs_of_medians_within_a_run() -> None:
    ours = taking(99.0, *(10.0, 10.0, 500.0), *(10.0, 20.0, 30.0), *(40.0, 40.0, 40.0))
    baseline = taking(99.0, *(20.0, 1.0, 30.0), *(10.0, 40.0, 90.0), *(40.0, 40.0, 60.0))

    line = measured(ours, baseline, runs=3, repeats=3)

    assert (line.ratio, line.low, line.high) == (2.0, 1.0, 2.0)
    assert (line.ours, line.baseline) == (20.0, 40.0)


def test_the_two_take_turns_so_that_a_drift_of_the_machine_meets_both() -> None:
    order: list[str] = []

    def noted(name: str) -> Callable[[], float]:
        def action() -> float:
            order.append(name)
            return 1.0

        return action

    measured(noted("ours"), noted("theirs"), runs=2, repeats=2)

    assert order == ["ours", "theirs"] * 5  # a warm-up and two runs of two


def test_what_takes_longer_than_the_baseline_has_a_ratio_below_one() -> None:
    assert measured(taking(1.0, 8.0), taking(1.0, 2.0), runs=1, repeats=1).ratio == 0.25


@pytest.mark.parametrize(
    ("target", "verdict"), [(None, "reported"), (1.5, "reached"), (2.0, "reached"), (2.001, "missed")]
)
def test_a_target_is_reached_when_the_median_ratio_is_no_smaller(target: float | None, verdict: str) -> None:
    line = row("bench", "case", [(1.0, 9.0), (1.0, 2.0), (1.0, 1.0)], baseline_name="them", target=target)

    assert line.verdict == verdict
    assert line.as_json()["verdict"] == verdict


def test_a_row_survives_the_way_through_json() -> None:
    line = row("load", "peak", [(660.0, 1320.0)], baseline_name="file", target=2, unit="MB")

    fields = json.loads(json.dumps(line.as_json()))
    fields.pop("verdict")

    assert Row(**fields) == line


def test_the_table_names_units_range_target_and_verdict() -> None:
    lines = table(
        [
            row("load", "peak", [(660.0, 1320.0), (660.0, 1980.0)], baseline_name="file", target=2, unit="MB"),
            row("bot", "ack", [(0.5, 0.25)], baseline_name="bare"),
        ]
    ).splitlines()

    assert lines[2] == "| load | peak | 660 MB | file: 1,650 MB | 2.50 (2.00–3.00) | ≥ 2 | reached |"
    assert lines[3] == "| bot | ack | 0.5 ms | bare: 0.25 ms | 0.50 (0.50–0.50) | – | reported |"
