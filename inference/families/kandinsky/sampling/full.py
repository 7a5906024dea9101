"""The full sampler of Kandinsky 3.1 as functions of one step.

It is DDIM-like (Song et al. 2020, arXiv:2010.02502) with η inside the root, classifier-free guidance (Ho & Salimans
2022, arXiv:2207.12598) and the dynamic thresholding of Imagen (Saharia et al. 2022, arXiv:2205.11487). One call works
on the pictures of one job; different jobs meet only inside the U-Net. All arithmetic is float32: ᾱ falls to 2.4e-9.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from inference.families.kandinsky.sampling.schedule import StepCoefficients

PERCENTILE = 0.99
INPAINTING_PERCENTILE = 0.95


class Step(NamedTuple):
    """`x` is the next state, `x0` the thresholded estimate of the final latents; both float32 [B, 4, h, w]."""

    x: Tensor
    x0: Tensor


def guided_epsilon(eps_cond: Tensor, eps_uncond: Tensor | None, guidance_scale: float) -> Tensor:
    """Classifier-free guidance, `(w+1)·ε_cond − w·ε_uncond`, in float32.

    Without `eps_uncond` the conditional prediction is returned, which is the exact answer for w = 0 and saves half of
    the U-Net's work. Raises ValueError when w ≠ 0 and there is nothing to guide away from.
    """
    if eps_uncond is None:
        if guidance_scale != 0.0:
            raise ValueError("guidance needs an unconditional prediction")
        return eps_cond.float()
    return (guidance_scale + 1.0) * eps_cond.float() - guidance_scale * eps_uncond.float()


def predict_x0(x: Tensor, eps: Tensor, step: StepCoefficients) -> Tensor:
    """The final latents that `eps` implies for the state `x`, before thresholding; float32, same shape."""
    return (x - step.sqrt_one_minus_alpha * eps) / step.sqrt_alpha


def threshold(x0: Tensor, percentile: float = PERCENTILE) -> Tensor:
    """Dynamic thresholding: clips each picture at its own `percentile` of |x0|, at least 1, and scales to [−1, 1]."""
    limit = torch.quantile(x0.abs().flatten(1), percentile, dim=1).clamp_min(1.0)  # [B]
    limit = limit.view(-1, *[1] * (x0.dim() - 1))
    return torch.clamp(x0, -limit, limit) / limit


def full_step(
    x: Tensor,
    eps_cond: Tensor,
    eps_uncond: Tensor | None,
    *,
    guidance_scale: float,
    step: StepCoefficients,
    percentile: float = PERCENTILE,
    noise: Tensor | None = None,
) -> Step:
    """One step from `step.t` to `step.previous`.

    `x` float32 [B, 4, h, w]; predictions of the same shape in any float dtype; `noise` unit gaussian of the same shape,
    needed (ValueError otherwise) exactly when `step.sigma` is not 0.
    """
    x0 = threshold(predict_x0(x, guided_epsilon(eps_cond, eps_uncond, guidance_scale), step), percentile)
    return advance(x, x0, step, noise)


def advance(x: Tensor, x0: Tensor, step: StepCoefficients, noise: Tensor | None) -> Step:
    """The state at `step.previous` that lies on the way from `x` to the estimate `x0`. Same errors as `full_step`."""
    eps = (x - step.sqrt_alpha * x0) / step.sqrt_one_minus_alpha  # re-derived, so that it agrees with the clipped x0
    following = step.sqrt_alpha_previous * x0 + step.direction * eps
    if step.sigma != 0.0:
        if noise is None:
            raise ValueError(f"the step from {step.t} to {step.previous} adds noise, but none was given")
        following = following + step.sigma * noise
    return Step(following, x0)
