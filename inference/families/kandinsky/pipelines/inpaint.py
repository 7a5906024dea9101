"""Inpainting by the nine-channel U-Net of Kandinsky 3.1 (github.com/ai-forever/Kandinsky-3)."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from inference.engine.asks import Ask, Drawing, Pipeline, Ready
from inference.families.kandinsky.asks import Decode, ToLatent, Tools
from inference.families.kandinsky.compositing import bounds, cut, feathered, join, resized, rim, to_signed
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.pipelines.guided import denoise, read
from inference.families.kandinsky.pipelines.parts import window_noise
from inference.families.kandinsky.sampling import (
    INPAINTING_PERCENTILE,
    PictureNoise,
    full_coefficients,
    stack_next,
    timesteps,
)
from inference.families.kandinsky.sampling.inpainting import Keep, masked, published_keep, thorough_keep, with_known
from inference.requests import Box, Inpaint, InvalidRequest, Outpaint, focus_box, model_size, published_size

FEATHER = 1 / 64  # of the model's own side
LEAST_FEATHER = 4  # pixels of the picture


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same over all windows of a run."""

    request: Inpaint | Outpaint
    contexts: tuple[Context, ...]
    device: torch.device


def inpaint(request: Inpaint, tools: Tools) -> Pipeline:
    """Repaints the marked part, once per seed; see `Inpaint` for what `focus` and `paste` add to the published method.

    Raises InvalidRequest when nothing is marked, when sizes disagree, or, without `focus`, when a side is too
    short for the net.
    """
    image, mask = tools.picture(request.image.blob), tools.mask(request.mask)
    whole = Box(0, 0, request.image.width, request.image.height)
    for name, picture, channels in (("image", image, (3,)), ("mask", mask, ())):
        if picture.shape != (whole.height, whole.width, *channels):
            raise InvalidRequest(name, f"must be {whole.width}x{whole.height} pixels, as the request says")
    box, size = _window(request, bounds(mask), whole)
    area = cut(mask, box)
    keeps = thorough_keep if request.focus or request.paste else published_keep
    keep = keeps(area.float() / 255, *size)

    contexts, notes = yield from read(request, "inpainting", tools)
    noise = window_noise(request.seeds, size)
    pixels = to_signed(resized(cut(image, box), *size, Image.Resampling.BICUBIC))
    latents = yield from repaint(Job(request, contexts, tools.device), [pixels], keep, noise)

    feather = math.ceil(max(LEAST_FEATHER, FEATHER * request.native_side * box.width / size[0]))
    weight = feathered(area, feather) if request.paste else rim(box, whole, feather)
    pictures = []
    for tile, latent in enumerate(latents):
        patch = yield Decode(latent)
        picture = image.clone()
        join(picture, resized(patch, box.width, box.height), weight, box)
        pictures.append(picture)
        yield Ready(tile, picture)
    return Drawing(tuple(pictures), notes)


def _window(request: Inpaint, marked: Box | None, whole: Box) -> tuple[Box, tuple[int, int]]:
    """The part of the picture that the net gets to see, and the size at which it does."""
    if marked is None:
        raise InvalidRequest("mask", "marks nothing to repaint")
    if not request.focus:
        return whole, published_size(whole.width, whole.height, request.native_side)
    box = focus_box(marked, whole.width, whole.height, request.native_side)
    return box, model_size(box.width, box.height, request.native_side)


def inpaint_steps(request: Inpaint) -> int:
    """One ask for the texts, one for the masked latent, one per timestep, one per picture decoded."""
    return 2 + len(timesteps(request.steps)) + len(request.seeds)


def repaint(
    job: Job, views: Sequence[Tensor], keep: Keep, noise: Sequence[PictureNoise]
) -> Generator[Ask, Any, Tensor]:
    """Final latents [B, 4, h, w] of one window: `views` holds its pixels [3, H, W] in [−1, 1], one for all pictures or
    one for each."""
    known = []
    for pixels in views:
        known.append((yield ToLatent(masked(pixels, keep.pixels))))  # noqa: PERF401 - a comprehension cannot yield
    x = stack_next(noise, job.device)
    seen = partial(with_known, cells=keep.cells.to(x), known=torch.stack(known).to(x))
    request = job.request
    steps = full_coefficients(request.steps, request.eta)
    percentile = INPAINTING_PERCENTILE
    return (yield from denoise(request, "inpainting", x, steps, job.contexts, noise, percentile=percentile, seen=seen))
