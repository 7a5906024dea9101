"""Noise schedule and samplers: plain functions on float32 tensors and host floats."""

from inference.families.kandinsky.sampling.ddpm import ddpm_coefficients, ddpm_step, ddpm_timesteps
from inference.families.kandinsky.sampling.flash import flash_renoise, flash_x0
from inference.families.kandinsky.sampling.full import (
    INPAINTING_PERCENTILE,
    PERCENTILE,
    Step,
    full_step,
    guided_epsilon,
    threshold,
)
from inference.families.kandinsky.sampling.noise import PictureNoise, stack_next
from inference.families.kandinsky.sampling.schedule import (
    FLASH_TIMES,
    FlashCoefficients,
    StepCoefficients,
    alphas_cumprod,
    flash_coefficients,
    full_coefficients,
    timesteps,
)

__all__ = [
    "FLASH_TIMES",
    "INPAINTING_PERCENTILE",
    "PERCENTILE",
    "FlashCoefficients",
    "PictureNoise",
    "Step",
    "StepCoefficients",
    "alphas_cumprod",
    "ddpm_coefficients",
    "ddpm_step",
    "ddpm_timesteps",
    "flash_coefficients",
    "flash_renoise",
    "flash_x0",
    "full_coefficients",
    "full_step",
    "guided_epsilon",
    "stack_next",
    "threshold",
    "timesteps",
]
