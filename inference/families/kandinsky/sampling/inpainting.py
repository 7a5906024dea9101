"""What the inpainting U-Net reads besides the latents: which part to keep, and the latent of the kept part.

Inside, masks say 1 = keep, 0 = repaint, as in the published code (github.com/ai-forever/Kandinsky-3); people mark what
to repaint.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

DOWNSCALE = 8


class Keep(NamedTuple):
    """`pixels` [1, H, W] and `cells` [1, H/8, W/8], float32: how much of each is kept."""

    pixels: Tensor
    cells: Tensor


def published_keep(marked: Tensor, width: int, height: int) -> Keep:
    """Masks as the published code makes them of `marked` [h, w] in [0, 1]: bilinear without antialiasing, so edges may
    be fractions; of each 8×8 pixels the first stands for the cell."""
    scaled = interpolate(marked.double()[None, None], (height, width), mode="bilinear", align_corners=False)
    pixels = (1 - scaled[0]).float()
    return Keep(pixels, pixels[:, ::DOWNSCALE, ::DOWNSCALE])


def thorough_keep(marked: Tensor, width: int, height: int) -> Keep:
    """Masks that miss nothing: every cell with any marked pixel, however thin the stroke, is repainted whole."""
    cells = 1 - adaptive_max_pool2d((marked != 0).float()[None], (height // DOWNSCALE, width // DOWNSCALE))
    return Keep(cells.repeat_interleave(DOWNSCALE, dim=1).repeat_interleave(DOWNSCALE, dim=2), cells)


def masked(pixels: Tensor, keep: Tensor) -> Tensor:
    """`pixels` [3, H, W] in [−1, 1] with mid-grey wherever not all is kept; `keep` [1, H, W]."""
    return torch.where(keep < 1, 0.0, pixels)


def with_known(x: Tensor, cells: Tensor, known: Tensor) -> Tensor:
    """The nine channels of the inpainting U-Net: latents `x` [B, 4, h, w], the kept cells [1, h, w], and the latent of
    the masked picture, one for all [4, h, w] or one each [B, 4, h, w]. Made at every step, so the latter two should lie
    where `x` does."""
    batch = (len(x), -1, -1, -1)
    return torch.cat([x, cells.to(x).expand(batch), known.to(x).expand(batch)], dim=1)
