"""The samplers of KandiSuperRes (github.com/ai-forever/KandiSuperRes), for nets that predict the clean picture.

The x2 and x4 nets are sampled with DPM-Solver++ (2M) (Lu et al. 2022, arXiv:2211.01095), the Flash net by noising its
own estimate again four times. Noise follows the linear schedule of DDPM (Ho et al. 2020, arXiv:2006.11239); only the
Flash refiner, which is the Flash U-Net of Kandinsky 3.1, has the cosine one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from inference.families.kandinsky.sampling.schedule import (
    FLASH_TIMES,
    TRAIN_STEPS,
    FlashCoefficients,
    flash_coefficients,
)
from inference.requests import SR_STEPS

FIRST_BETA, LAST_BETA = 1e-4, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverStep:
    """One step at noise level `t`: `x_next = keep·x + gain·(x0 + history·(x0 - x0_before))`."""

    t: int
    keep: float
    gain: float
    history: float


@lru_cache(maxsize=1)
def linear_alphas_cumprod() -> Tensor:
    """ᾱ of every training step, float32 [1000], from 0.9999 to 4.0e-5. Shared: do not write into it."""
    return torch.cumprod(1.0 - torch.linspace(FIRST_BETA, LAST_BETA, TRAIN_STEPS, dtype=torch.float32), dim=0)


def solver_times(steps: int = SR_STEPS) -> list[int]:
    """Noise levels visited, highest first: 999, 799, 599, 400, 200 for five."""
    spaced = torch.linspace(0, TRAIN_STEPS - 1, steps + 1, dtype=torch.float64)
    return spaced.round().int().flip(0)[:-1].tolist()


@lru_cache(maxsize=16)
def solver_steps(steps: int = SR_STEPS) -> tuple[SolverStep, ...]:
    """Every step of DPM-Solver++ 2M down to no noise at all, first order at both ends. ValueError below one step."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    times = solver_times(steps)
    alpha_bar = linear_alphas_cumprod().double()
    sigmas = [math.sqrt((1 - alpha_bar[t].item()) / alpha_bar[t].item()) for t in times]
    table, before = [], None
    for t, sigma, following in zip(times, sigmas, sigmas[1:], strict=False):
        h = math.log(sigma) - math.log(following)
        alpha, alpha_next = 1 / math.hypot(1, sigma), 1 / math.hypot(1, following)
        table.append(
            SolverStep(
                t=t,
                keep=following * alpha_next / (sigma * alpha),
                gain=-alpha_next * math.expm1(-h),
                history=0.0 if before is None else 0.5 * h / before,
            )
        )
        before = h
    return (*table, SolverStep(t=times[-1], keep=0.0, gain=1.0, history=0.0))


def solver_step_(x: Tensor, x0: Tensor, before: Tensor | None, step: SolverStep) -> Tensor:
    """The state after `step`, written over `x`; float32 of any shape. `before` is the estimate of the step before.

    The step is linear in its estimates and the same everywhere, so averaging the estimates of overlapping windows
    first equals averaging the states that each window would have reached with a history of its own, as the published
    code does; and needs one panorama of history.
    """
    x.mul_(step.keep).add_(x0, alpha=step.gain * (1 + step.history))
    if before is not None and step.history:
        x.add_(before, alpha=-step.gain * step.history)
    return x


@lru_cache(maxsize=1)
def turbo_coefficients() -> tuple[FlashCoefficients, ...]:
    """The four steps of the Flash x2 net. Its estimate is the net's answer itself, there is nothing to solve for."""
    alphas = linear_alphas_cumprod()
    return tuple(
        FlashCoefficients(t=t, sqrt_alpha=alphas[t].sqrt().item(), sqrt_one_minus_alpha=(1.0 - alphas[t]).sqrt().item())
        for t in FLASH_TIMES
    )


def refine_coefficients() -> FlashCoefficients:
    """The one step of the Flash refiner, the last of Kandinsky 3.1 Flash."""
    return flash_coefficients()[-1]


def renoise_(noise: Tensor, x0: Tensor, step: FlashCoefficients) -> Tensor:
    """`x0` noised up to `step.t`, written over the unit gaussian `noise`."""
    return noise.mul_(step.sqrt_one_minus_alpha).add_(x0, alpha=step.sqrt_alpha)
