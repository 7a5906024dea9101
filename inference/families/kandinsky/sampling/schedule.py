"""Noise schedule of Kandinsky 3.1 and the numbers each sampler step needs.

The schedule is the squared-cosine one of Nichol & Dhariwal (2021, arXiv:2102.09672) over 1000 training steps.
Everything is computed in float32, in the operation order of the published code (github.com/ai-forever/Kandinsky-3),
because the radicand of the first step is smaller than float32 rounding: another order would move the picture. The
results are plain floats, so that a step on a GPU never waits for the host.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

TRAIN_STEPS = 1000
FLASH_TIMES = (979, 729, 479, 229)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCoefficients:
    """One step of the full sampler, from noise level `t` down to `previous`.

    `x0 = (x − sqrt_one_minus_alpha·ε) / sqrt_alpha` and
    `x_previous = sqrt_alpha_previous·x0 + direction·ε + sigma·noise`; `sigma` is 0 where no noise is added.
    """

    t: int
    previous: int
    sqrt_alpha: float
    sqrt_one_minus_alpha: float
    sqrt_alpha_previous: float
    direction: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashCoefficients:
    """One step of the Flash sampler: `x_t = sqrt_alpha·x0 + sqrt_one_minus_alpha·noise`, and back."""

    t: int
    sqrt_alpha: float
    sqrt_one_minus_alpha: float


def betas() -> Tensor:
    """β of every training step, float32 [1000]; the last one is capped at 0.999."""

    def alpha_bar(s: float) -> float:
        return math.cos((s + 0.008) / 1.008 * math.pi / 2) ** 2

    values = [min(1 - alpha_bar((i + 1) / TRAIN_STEPS) / alpha_bar(i / TRAIN_STEPS), 0.999) for i in range(TRAIN_STEPS)]
    return torch.tensor(values, dtype=torch.float32)


@lru_cache(maxsize=1)
def alphas_cumprod() -> Tensor:
    """ᾱ of every training step, float32 [1000], falling from 0.99996 to 2.4e-9. Shared: do not write into it."""
    return torch.cumprod(1.0 - betas(), dim=0)


def timesteps(steps: int) -> list[int]:
    """Noise levels the full sampler visits when asked for `steps`, highest first.

    The published rule walks down from 999 by ceil(1000/steps) while above zero, so its length is not always `steps`
    (64 → 63, 99 → 91, 1000 → 999): progress must be counted with `len` of this list. Raises ValueError below 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    return list(range(TRAIN_STEPS - 1, 0, -math.ceil(TRAIN_STEPS / steps)))


@lru_cache(maxsize=256)
def full_coefficients(steps: int, eta: float = 1.0) -> tuple[StepCoefficients, ...]:
    """Coefficients of every step of a full run, first to last. `eta` in [0, 1]: 0 is deterministic, 1 is ancestral.

    Raises ValueError for steps below 1 or eta outside [0, 1]. All numbers are finite for every allowed input: where
    rounding drives the direction's radicand below zero (steps 1 and 5 at eta 1) it is taken as zero, where the
    published code yields NaN.
    """
    if not 0.0 <= eta <= 1.0:
        raise ValueError(f"eta must lie in [0, 1], not {eta}")
    times = torch.tensor(timesteps(steps))  # [n]
    previous = torch.cat([times[1:], torch.tensor([0])])
    a_t, a_p = alphas_cumprod()[times], alphas_cumprod()[previous]
    sigma = torch.sqrt(eta * (1.0 - a_t / a_p) * (1.0 - a_p) / (1.0 - a_t))
    table = {
        "t": times,
        "previous": previous,
        "sqrt_alpha": torch.sqrt(a_t),
        "sqrt_one_minus_alpha": torch.sqrt(1.0 - a_t),
        "sqrt_alpha_previous": torch.sqrt(a_p),
        "direction": torch.sqrt((1.0 - a_p - sigma**2).clamp_min(0.0)),
        "sigma": torch.where(previous > 0, sigma, 0.0),
    }
    columns = {name: column.tolist() for name, column in table.items()}
    return tuple(
        StepCoefficients(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)
    )


@lru_cache(maxsize=1)
def flash_coefficients() -> tuple[FlashCoefficients, ...]:
    """The four fixed steps of Kandinsky 3.1 Flash."""
    return tuple(
        FlashCoefficients(
            t=t,
            sqrt_alpha=torch.sqrt(alphas_cumprod()[t]).item(),
            sqrt_one_minus_alpha=torch.sqrt(1.0 - alphas_cumprod()[t]).item(),
        )
        for t in FLASH_TIMES
    )
