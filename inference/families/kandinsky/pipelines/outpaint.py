"""Outpainting: inpainting around a picture, window by window until the canvas is full."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from inference.engine.asks import Drawing, Pipeline, Ready
from inference.families.kandinsky.asks import Decode, Tools
from inference.families.kandinsky.compositing import cut, dilated, feathered, join, resized, to_signed, toned
from inference.families.kandinsky.pipelines.guided import read
from inference.families.kandinsky.pipelines.inpaint import Job, repaint
from inference.families.kandinsky.pipelines.parts import window_noise
from inference.families.kandinsky.sampling import timesteps
from inference.families.kandinsky.sampling.inpainting import thorough_keep
from inference.requests import Box, Outpaint, model_size, outpaint_windows

LAP = 1 / 32  # of a window's side: how far the new reaches into what is known, so that no seam shows
LEAST_LAP = 8  # pixels of the model: one cell of its latents
MOST_LAP = 1 / 8  # of the short side of the picture


def outpaint(request: Outpaint, tools: Tools) -> Pipeline:
    """Paints the canvas around the picture, once per seed.

    What is unknown is mid-grey to the net. Later windows see what the earlier ones of the same picture have painted.
    Pixels of the picture (resized to its box) change only within a narrow seam along the new parts.
    """
    box = Box(*request.box)
    canvas = _laid_out(tools.picture(request.image.blob), box, request.width, request.height)
    unknown = torch.ones(request.height, request.width, dtype=torch.bool)
    cut(unknown, box).fill_(False)

    contexts, notes = yield from read(request, "inpainting", tools)
    job = Job(request, contexts, tools.device)
    pictures = [canvas]  # one, as long as all are alike
    windows = windows_of(request)
    for number, window in enumerate(windows):
        size = model_size(window.width, window.height, request.native_side)
        fresh = cut(unknown, window)
        lap = seam_width(window, size, box)
        keep = thorough_keep(dilated(fresh, lap), *size)
        views = [to_signed(resized(cut(picture, window), *size, Image.Resampling.BICUBIC)) for picture in pictures]
        noise = window_noise(request.seeds, size, number)
        latents = yield from repaint(job, views, keep, noise)
        if len(pictures) < len(latents):
            pictures += [canvas.clone() for _ in latents[1:]]
        weight, seam = feathered(fresh, lap), dilated(fresh, lap) & ~fresh
        for tile, (picture, latent) in enumerate(zip(pictures, latents, strict=True)):
            patch = yield Decode(latent)
            made = toned(resized(patch, window.width, window.height), cut(picture, window), seam, lap)
            join(picture, made, weight, window)
            if window == windows[-1]:
                yield Ready(tile, picture)
        fresh.fill_(False)
    return Drawing(tuple(pictures), notes)


def _laid_out(picture: Tensor, box: Box, width: int, height: int) -> Tensor:
    """A canvas with `picture` in `box`. Its edge is drawn out to the rim: the net sees grey there, but resizing a
    window must not bleed black into what is known."""
    rows = (torch.arange(height) - box.y).clamp(0, box.height - 1)
    columns = (torch.arange(width) - box.x).clamp(0, box.width - 1)
    return resized(picture, box.width, box.height)[rows][:, columns]


def windows_of(request: Outpaint) -> tuple[Box, ...]:
    return outpaint_windows(request.width, request.height, request.box, request.native_side)


def seam_width(window: Box, size: tuple[int, int], box: Box) -> int:
    """Pixels of the canvas by which the new reaches into the known, in a window that the net sees at `size`."""
    scale = max(size[0] / window.width, size[1] / window.height)
    wanted = max(LEAST_LAP, LAP * min(size)) / scale
    return max(1, min(round(wanted), int(min(box.width, box.height) * MOST_LAP)))


def outpaint_steps(request: Outpaint) -> int:
    """One ask for the texts; in every window one per timestep, one per picture decoded and one per masked latent, which
    all pictures share in the first."""
    windows, pictures = len(windows_of(request)), len(request.seeds)
    latents = 1 + (windows - 1) * pictures
    return 1 + latents + windows * (len(timesteps(request.steps)) + pictures)
