"""What is foretold of a job, by numbers alone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.queue.foresight import Foresight, Taken
from inference.queue.timings import Timing, Timings
from inference.requests import REQUESTS

FLASH, FULL = "flash:512x512", "full:512x512"
TIMED = Timings(
    basis="0" * 64,
    kinds={
        "flash": Timing(a_pass=1.0, developing=4.0, once=0.5),
        "full": Timing(a_pass=2.0, developing=4.0, once=0.5),
    },
)


def off(predicted: float | None, real: float) -> float:
    """By which factor a prediction is wrong, one way or the other."""
    assert predicted is not None
    return max(predicted / real, real / predicted)


def test_nothing_is_foretold_where_nothing_was_measured() -> None:
    nothing = Foresight()
    assert not nothing and nothing.seconds(FLASH, 1.0, 1.0) is None and nothing.at_most(3, 100.0, 100.0) == 0.0
    assert not Foresight(Timings(basis="0" * 64), {"flash": ()})


def test_a_kind_that_was_timed_is_foretold_before_its_first_job_developing_included() -> None:
    assert Foresight(TIMED).seconds(FLASH, 8.0, 2.0) == pytest.approx(8 * 1.0 + 2 * 4.0 + 0.5)


def test_what_was_not_timed_is_scaled_from_what_was_by_its_price() -> None:
    foresight = Foresight(TIMED)
    unit, developing, once = 1.5, 0.4, 0.5  # the medians of both, a pass of the U-Net being 1 and developing 10
    assert foresight.seconds("x4:1024x1024", 5.0, 1.0) == pytest.approx(5 * unit * 5.0 + 0.5 * developing + once)
    assert foresight.seconds("depth:512x512", 5.0, 1.0) == pytest.approx(5 * unit * 1.4 + 10 * developing + once)
    assert foresight.seconds("of another time:1x1", 5.0, 1.0) == pytest.approx(5 * unit + 10 * developing + once)


def test_without_a_timing_the_first_job_of_any_kind_tells_of_all_others() -> None:
    foresight = Foresight(None, {"flash": [Taken(30.0, 4.0, 1.0)]})  # of 14 units
    assert foresight.seconds(FLASH, 4.0, 1.0) == pytest.approx(30.0)
    assert foresight.seconds(FLASH, 8.0, 2.0) == pytest.approx(60.0)
    assert foresight.seconds(FULL, 18.0, 1.0) == pytest.approx(60.0)


def test_a_busy_machine_is_busy_for_kinds_that_nobody_has_ordered_yet() -> None:
    slow = [Taken(3 * 8.5, 4.0, 1.0)] * 3
    assert Foresight(TIMED, {"flash": slow}).seconds(FULL, 10.0, 1.0) == pytest.approx(3 * 24.5)


def test_three_wild_jobs_of_seven_move_nothing() -> None:
    steady = [Taken(8.5, 4.0, 1.0)] * 4
    wild = [Taken(900.0, 4.0, 1.0), Taken(0.001, 4.0, 1.0), Taken(500.0, 4.0, 1.0)]
    assert Foresight(TIMED, {"flash": [*steady, *wild]}).seconds(FLASH, 4.0, 1.0) == pytest.approx(8.5)


def test_one_wild_first_job_is_met_half_way_and_forgotten_with_the_next_two() -> None:
    jobs = [Taken(100 * 8.5, 4.0, 1.0)]
    assert Foresight(TIMED, {"flash": jobs}).seconds(FLASH, 4.0, 1.0) == pytest.approx(10 * 8.5)
    jobs += [Taken(8.5, 4.0, 1.0)] * 2
    assert Foresight(TIMED, {"flash": jobs}).seconds(FLASH, 4.0, 1.0) == pytest.approx(8.5)


def test_jobs_of_the_same_size_are_heard_before_others() -> None:
    small, large = Taken(5 * 8.5, 4.0, 1.0), Taken(68.5, 32.0, 9.0)  # a small one takes five times what it should
    foresight = Foresight(TIMED, {"flash": [small, large] * 10})
    assert off(foresight.seconds(FLASH, 4.0, 1.0), 5 * 8.5) < 1.01
    assert off(foresight.seconds(FLASH, 32.0, 9.0), 68.5) < 1.01


WORLDS: dict[str, Callable[[int], float]] = {
    "as it was timed": lambda number: 1.0,
    "three times slower than timed": lambda number: 3.0,
    "the first one was slow": lambda number: 30.0 if number == 0 else 1.0,
    "twice as slow in mid-run": lambda number: 1.0 if number < 5 else 2.0,
    "twice as fast in mid-run": lambda number: 2.0 if number < 5 else 1.0,
    "every fourth one is wild": lambda number: 20.0 if number % 4 == 2 else 1.0,
}


@pytest.mark.parametrize(
    ("sizes", "timings"),
    [((1,), TIMED), ((1, 2, 4), TIMED), ((1, 10), TIMED), ((1,), None), ((1, 2, 4), None)],
    ids=["one size", "three sizes", "large and small", "one size, not timed", "three sizes, not timed"],
)
@pytest.mark.parametrize("world", WORLDS)
def test_after_ten_jobs_of_a_kind_the_next_is_foretold_within_half_as_much_again(
    world: str, sizes: Sequence[int], timings: Timings | None
) -> None:
    """A device of whose speed only jobs tell: its parts have another price than any model says, and no two jobs take
    just as long."""
    rng = random.Random(world)

    def seconds(cost: float, developed: float, number: int) -> float:
        return (0.8 * cost + 5.0 * developed + 0.3) * WORLDS[world](number) * rng.uniform(0.9, 1.1)

    for side in (0.0655, 0.262, 1.05):  # megapixels
        for steps in (4, 40):
            jobs = []
            for number in range(10):
                pictures = sizes[number % len(sizes)]
                cost, developed = pictures * steps * side, pictures * side
                jobs.append(Taken(seconds(cost, developed, number), cost, developed))
            foresight = Foresight(timings, {"flash": jobs})
            for pictures in sizes:
                cost, developed = pictures * steps * side, pictures * side
                real = (0.8 * cost + 5.0 * developed + 0.3) * WORLDS[world](11)
                assert off(foresight.seconds(FLASH, cost, developed), real) < 1.5, (side, steps, pictures)


WORK = st.tuples(st.floats(0.01, 1e4), st.floats(0, 1e3))
JOBS = st.lists(st.builds(Taken, st.floats(1e-4, 1e5), st.floats(0, 1e4), st.floats(0, 1e3)), max_size=9)
RATES = st.floats(0, 1e3)
TIMINGS = st.builds(
    Timings,
    kinds=st.dictionaries(
        st.sampled_from(list(REQUESTS)), st.builds(Timing, a_pass=RATES, developing=RATES, once=RATES), max_size=4
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    TIMINGS,
    st.dictionaries(st.sampled_from([*REQUESTS, "gone"]), JOBS, max_size=4),
    st.lists(st.tuples(st.sampled_from(list(REQUESTS)), WORK), min_size=1, max_size=6),
)
def test_whatever_was_measured_what_is_foretold_is_a_time_and_the_quick_bound_holds(
    timings: Timings, recent: dict[str, list[Taken]], asked: list[tuple[str, tuple[float, float]]]
) -> None:
    foresight = Foresight(timings, recent)
    told = [foresight.seconds(f"{kind}:1x1", *work) for kind, work in asked]
    if not foresight:
        assert told == [None] * len(asked)
        return
    seconds = [one for one in told if one is not None]
    assert len(seconds) == len(asked) and all(math.isfinite(one) and one > 0 for one in seconds)
    costs, developed = (sum(work[part] for _, work in asked) for part in (0, 1))
    assert sum(seconds) <= foresight.at_most(len(asked), costs, developed) * (1 + 1e-9) + 1e-9
