"""Small pictures of what is being drawn."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

MAX_SIDE = 256
QUALITY = 60


def to_uint8(images: Tensor) -> Tensor:
    """Pixels 0…255 of `images` in [−1, 1], same layout; fractions are cut off, as torchvision's ToPILImage does."""
    return ((images.float() + 1) / 2).clamp(0, 1).mul(255).to(torch.uint8)


def pixel_colours(x0: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in [-1, 1] as uint8 [B, 3, h, w] on the CPU, with no side longer than a preview's."""
    scale = min(1.0, MAX_SIDE / max(x0.shape[-2:]))
    height, width = (max(1, round(side * scale)) for side in x0.shape[-2:])
    return to_uint8(adaptive_avg_pool2d(x0, (height, width))).cpu()


def preview_jpeg(colours: Tensor) -> bytes:
    """A JPEG of at most 256 pixels a side: the pictures `colours` (uint8 [B, 3, h, w], CPU) on one near-square grid.

    Latents are tiny, so the grid is scaled up to its full side. Cells without a picture stay grey.
    """
    count, _, height, width = colours.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * height, columns * width, 3), 128, np.uint8)
    for index, picture in enumerate(colours.permute(0, 2, 3, 1).numpy()):
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
    scale = MAX_SIDE / max(sheet.shape[:2])
    size = max(1, round(sheet.shape[1] * scale)), max(1, round(sheet.shape[0] * scale))
    buffer = io.BytesIO()
    Image.fromarray(sheet).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
