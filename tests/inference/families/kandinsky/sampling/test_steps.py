import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.families.kandinsky.sampling import (
    PictureNoise,
    flash_coefficients,
    flash_renoise,
    flash_x0,
    full_coefficients,
    full_step,
    guided_epsilon,
    stack_next,
    threshold,
)

SHAPE = (4, 8, 16)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def model(x: torch.Tensor, t: int) -> torch.Tensor:
    """Any smooth function of the state stands in for a net."""
    return torch.tanh(x.roll(1, -1) * 0.7 + t / 1000)


@pytest.mark.parametrize("steps", [10, 50])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_run_agrees_with_an_independent_ddim_that_is_set_up_alike(steps: int, eta: float) -> None:
    theirs = DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        timestep_spacing="trailing",
        set_alpha_to_one=False,
        clip_sample=False,
        thresholding=True,
        dynamic_thresholding_ratio=0.99,
        sample_max_value=1e12,
    )
    theirs.set_timesteps(steps)
    x = y = drawn(2, *SHAPE)
    for number, step in enumerate(full_coefficients(steps, eta)):
        noise = drawn(2, *SHAPE, seed=number + 1)
        x = full_step(x, model(x, step.t), None, guidance_scale=0.0, step=step, noise=noise).x
        last = torch.zeros_like(noise) if step.previous == 0 else noise
        y = theirs.step(
            model(y, step.t), step.t, y, eta=eta, use_clipped_model_output=True, variance_noise=last if eta else None
        ).prev_sample
    assert (x - y).abs().max() < 1e-4


@pytest.mark.parametrize("steps", [1, 5])
def test_runs_whose_radicand_rounds_below_zero_stay_finite(steps: int) -> None:
    x = drawn(1, *SHAPE)
    for number, step in enumerate(full_coefficients(steps, 1.0)):
        x = full_step(x, model(x, step.t), None, guidance_scale=0.0, step=step, noise=drawn(1, *SHAPE, seed=number)).x
    assert bool(torch.isfinite(x).all())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 100), st.floats(0, 1), st.floats(0, 20), st.integers(0, 2**32 - 1))
def test_a_step_of_a_picture_is_the_same_alone_and_in_a_batch(
    steps: int, eta: float, guidance: float, seed: int
) -> None:
    step = full_coefficients(steps, eta)[0]
    x, conditional, unconditional, noise = (drawn(3, *SHAPE, seed=(seed + i) % 2**32) for i in range(4))
    together = full_step(x, conditional, unconditional, guidance_scale=guidance, step=step, noise=noise)
    for i in range(3):
        one = slice(i, i + 1)
        alone = full_step(
            x[one], conditional[one], unconditional[one], guidance_scale=guidance, step=step, noise=noise[one]
        )
        assert torch.equal(alone.x, together.x[one])
        assert torch.equal(alone.x0, together.x0[one])


def test_guidance_moves_away_from_the_unconditional_prediction() -> None:
    conditional, unconditional = torch.full((1, 1), 2.0), torch.full((1, 1), 1.0)
    assert guided_epsilon(conditional, unconditional, 3.0).item() == 5.0
    assert guided_epsilon(conditional, unconditional, 0.0).item() == 2.0
    assert guided_epsilon(conditional, None, 0.0).item() == 2.0


def test_guidance_without_an_unconditional_prediction_is_refused() -> None:
    with pytest.raises(ValueError, match="unconditional"):
        guided_epsilon(torch.ones(1), None, 3.0)


def test_half_precision_predictions_are_combined_in_float32() -> None:
    half = torch.full((1, 4, 8, 8), 1.001, dtype=torch.bfloat16)
    assert guided_epsilon(half, half, 3.0).dtype == torch.float32


def test_small_predictions_are_not_blown_up_by_thresholding() -> None:
    x0 = drawn(2, *SHAPE) * 0.1
    assert torch.equal(threshold(x0), x0)


def test_thresholding_scales_every_picture_by_its_own_percentile() -> None:
    x0 = drawn(1, *SHAPE)
    both = threshold(torch.cat([x0 * 3, x0 * 30]))
    assert both.abs().max() <= 1.0
    assert torch.allclose(both[0], both[1], atol=1e-6)


def test_a_step_that_needs_noise_says_so() -> None:
    x = drawn(1, *SHAPE)
    with pytest.raises(ValueError, match="noise"):
        full_step(x, x, None, guidance_scale=0.0, step=full_coefficients(10)[0])


def test_a_perfect_prediction_gives_flash_its_picture_back() -> None:
    picture, noise = drawn(2, *SHAPE), drawn(2, *SHAPE, seed=1)
    for step in flash_coefficients():
        assert torch.allclose(flash_x0(flash_renoise(picture, noise, step), noise, step), picture, atol=1e-4)


def test_the_noise_of_a_picture_depends_on_its_seed_only() -> None:
    alone = PictureNoise(7, SHAPE)
    first, second = alone.next(), alone.next()
    crowd = [PictureNoise(seed, SHAPE) for seed in (3, 7, 11)]
    assert torch.equal(stack_next(crowd)[1], first)
    assert torch.equal(stack_next(crowd)[1], second)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_the_generator_would_cut_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        PictureNoise(seed, SHAPE)
