"""The sampler of the IP-Adapter and the ControlNets against the scheduler of diffusers that they are published with."""

import pytest
import torch
from diffusers import DDPMScheduler

from inference.families.kandinsky.sampling import ddpm_coefficients, ddpm_step, ddpm_timesteps

PUBLISHED = DDPMScheduler(
    beta_schedule="squaredcos_cap_v2", clip_sample=True, steps_offset=1, timestep_spacing="leading"
)


def draw(seed: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("steps", [1, 3, 7, 50, 64, 100])
def test_a_run_visits_the_published_times(steps: int) -> None:
    PUBLISHED.set_timesteps(steps)
    assert ddpm_timesteps(steps) == PUBLISHED.timesteps.tolist()
    assert [step.t for step in ddpm_coefficients(steps)] == ddpm_timesteps(steps)


@pytest.mark.parametrize("steps", [3, 7, 50, 64])
def test_every_step_is_the_published_one(steps: int) -> None:
    PUBLISHED.set_timesteps(steps)
    for step in ddpm_coefficients(steps):
        x, eps = draw(step.t), draw(step.t + 1)
        theirs = PUBLISHED.step(eps, step.t, x, generator=torch.Generator().manual_seed(5)).prev_sample
        ours = ddpm_step(x, eps, None, guidance_scale=0.0, step=step, noise=draw(5)).x
        assert (ours - theirs).abs().max() < 3e-5


def test_guidance_extrapolates_beyond_the_conditional_prediction() -> None:
    step = ddpm_coefficients(10)[4]
    x, cond, uncond = draw(1), draw(2), draw(3)
    guided = ddpm_step(x, cond, uncond, guidance_scale=2.0, step=step, noise=draw(4))
    once = ddpm_step(x, 3 * cond - 2 * uncond, None, guidance_scale=0.0, step=step, noise=draw(4))
    torch.testing.assert_close(guided.x, once.x)


def test_the_estimate_is_clipped_and_is_where_the_run_ends() -> None:
    *_, last = ddpm_coefficients(50)
    x, x0 = ddpm_step(10 * draw(1), draw(2), None, guidance_scale=0.0, step=last)
    assert x0.abs().max() == 1.0
    torch.testing.assert_close(x, x0)


def test_without_eta_no_step_adds_noise_and_with_it_all_but_the_last_do() -> None:
    assert not any(step.sigma for step in ddpm_coefficients(20, eta=0.0))
    *others, last = ddpm_coefficients(20)
    assert all(step.sigma > 0 for step in others) and last.sigma == 0
    with pytest.raises(ValueError, match="adds noise"):
        ddpm_step(draw(1), draw(2), None, guidance_scale=0.0, step=others[0])


@pytest.mark.parametrize(("steps", "eta"), [(0, 1.0), (1000, 1.0), (10, 1.5)])
def test_what_has_no_meaning_is_refused(steps: int, eta: float) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        ddpm_coefficients(steps, eta)


def test_a_picture_does_not_depend_on_those_drawn_beside_it() -> None:
    step, x, eps, noise = ddpm_coefficients(10)[3], draw(1, 3), draw(2, 3), draw(3, 3)
    together = ddpm_step(x, eps, None, guidance_scale=0.0, step=step, noise=noise).x
    alone = ddpm_step(x[1:2], eps[1:2], None, guidance_scale=0.0, step=step, noise=noise[1:2]).x
    assert torch.equal(together[1:2], alone)
