"""Ancestral sampling (Ho et al. 2020, arXiv:2006.11239) as the published IP-Adapter and ControlNet pipelines do it.

They run diffusers' `DDPMScheduler` with leading timesteps one step late, the estimate clipped to [-1, 1], and the
smaller posterior variance. Written here as a DDIM step whose η (inside the root, as in the full sampler) is 1 there and
may be less; for η = 1 the two are the same expression. Float32 throughout.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from inference.families.kandinsky.sampling.full import Step, advance, guided_epsilon, predict_x0
from inference.families.kandinsky.sampling.schedule import TRAIN_STEPS, StepCoefficients, alphas_cumprod

STEPS_OFFSET = 1


def ddpm_timesteps(steps: int) -> list[int]:
    """Noise levels that a run of `steps` visits, highest first: 981, 961, …, 1 for 50. Exactly `steps` of them.

    Raises ValueError outside 1…999.
    """
    if not 1 <= steps < TRAIN_STEPS:
        raise ValueError(f"steps must lie in 1…{TRAIN_STEPS - 1}, not {steps}")
    stride = TRAIN_STEPS // steps
    return [stride * index + STEPS_OFFSET for index in reversed(range(steps))]


@lru_cache(maxsize=256)
def ddpm_coefficients(steps: int, eta: float = 1.0) -> tuple[StepCoefficients, ...]:
    """Coefficients of every step, first to last; the last leads to the estimate itself (`previous` -1: no noise left).

    Raises ValueError for steps outside 1…999 or eta outside [0, 1].
    """
    if not 0.0 <= eta <= 1.0:
        raise ValueError(f"eta must lie in [0, 1], not {eta}")
    times = ddpm_timesteps(steps)
    return tuple(_coefficients(t, t - TRAIN_STEPS // steps, eta) for t in times)


def _coefficients(t: int, previous: int, eta: float) -> StepCoefficients:
    a_t = alphas_cumprod()[t].double()
    a_p = alphas_cumprod()[previous].double() if previous >= 0 else torch.tensor(1.0).double()
    variance = eta * (1 - a_p) / (1 - a_t) * (1 - a_t / a_p)
    return StepCoefficients(
        t=t,
        previous=max(previous, -1),
        sqrt_alpha=a_t.sqrt().item(),
        sqrt_one_minus_alpha=(1 - a_t).sqrt().item(),
        sqrt_alpha_previous=a_p.sqrt().item(),
        direction=(1 - a_p - variance).clamp_min(0).sqrt().item(),
        sigma=variance.sqrt().item(),
    )


def ddpm_step(
    x: Tensor,
    eps_cond: Tensor,
    eps_uncond: Tensor | None,
    *,
    guidance_scale: float,
    step: StepCoefficients,
    noise: Tensor | None = None,
) -> Step:
    """One step from `step.t` to `step.previous`: the next state, and the clipped estimate of the final latents.

    Arguments and errors are those of `full_step`.
    """
    x0 = predict_x0(x, guided_epsilon(eps_cond, eps_uncond, guidance_scale), step).clamp(-1.0, 1.0)
    return advance(x, x0, step, noise)
