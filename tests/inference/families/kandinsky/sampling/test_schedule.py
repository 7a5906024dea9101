import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.families.kandinsky.sampling import (
    FLASH_TIMES,
    alphas_cumprod,
    flash_coefficients,
    full_coefficients,
    timesteps,
)


def test_the_schedule_falls_from_almost_one_to_almost_nothing() -> None:
    alphas = alphas_cumprod()
    assert alphas[0].item() == pytest.approx(0.999959, abs=1e-6)
    assert alphas[999].item() == pytest.approx(2.4287e-9, rel=1e-4)
    assert bool((alphas.diff() < 0).all())


@pytest.mark.parametrize(
    ("asked", "drawn"), [(1, 1), (7, 7), (50, 50), (64, 63), (75, 72), (99, 91), (150, 143), (999, 500), (1000, 999)]
)
def test_the_number_of_steps_is_that_of_the_published_rule(asked: int, drawn: int) -> None:
    assert len(timesteps(asked)) == drawn == len(full_coefficients(asked))


@given(st.integers(1, 1000))
def test_timesteps_walk_down_evenly_from_the_top_and_stay_above_zero(steps: int) -> None:
    times = timesteps(steps)
    assert times[0] == 999
    assert times[-1] > 0
    assert {a - b for a, b in pairwise(times)} <= {math.ceil(1000 / steps)}


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_every_number_of_steps_has_finite_coefficients(eta: float) -> None:
    one_of_each_stride = {math.ceil(1000 / steps): steps for steps in range(1, 1001)}.values()
    for steps in one_of_each_stride:
        for step in full_coefficients(steps, eta):
            numbers = (step.sqrt_alpha, step.sqrt_one_minus_alpha, step.sqrt_alpha_previous, step.direction, step.sigma)
            assert all(math.isfinite(number) and number >= 0 for number in numbers), (steps, step)


@given(st.integers(1, 1000), st.floats(0, 1, allow_nan=False))
def test_signal_direction_and_noise_keep_the_variance_of_the_next_level(steps: int, eta: float) -> None:
    for step in full_coefficients(steps, eta):
        spread = step.sqrt_alpha_previous**2 + step.direction**2 + step.sigma**2
        if step.previous:
            assert spread == pytest.approx(1.0, abs=1e-5)
        else:  # the last step adds no noise; it only loses what the noise would have carried
            assert spread <= 1.0 + 1e-5


def test_the_last_step_adds_no_noise() -> None:
    last = full_coefficients(50)[-1]
    assert (last.t, last.previous, last.sigma) == (19, 0, 0.0)


@pytest.mark.parametrize("eta", [-0.01, 1.01, 2.0, math.nan])
def test_an_eta_outside_its_range_is_refused(eta: float) -> None:
    with pytest.raises(ValueError, match="eta"):
        full_coefficients(10, eta)


def test_no_steps_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="steps"):
        timesteps(0)


def test_flash_has_its_four_fixed_steps() -> None:
    assert tuple(step.t for step in flash_coefficients()) == FLASH_TIMES == (979, 729, 479, 229)
    for step in flash_coefficients():
        assert step.sqrt_alpha**2 + step.sqrt_one_minus_alpha**2 == pytest.approx(1.0, abs=1e-6)
