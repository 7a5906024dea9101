"""Noise schedule and samplers: plain functions on float32 tensors and host floats."""

from inference.sampling.ddpm import ddpm_coefficients, ddpm_step, ddpm_timesteps
from inference.sampling.flash import flash_renoise, flash_x0
from inference.sampling.full import INPAINTING_PERCENTILE, PERCENTILE, Step, full_step, guided_epsilon, threshold
from inference.sampling.noise import PictureNoise, stack_next
from inference.sampling.schedule import (
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
