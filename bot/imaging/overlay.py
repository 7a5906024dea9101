"""A picture with the area that is to be repainted tinted and outlined, as a JPEG for the chat."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bot.imaging.masks import resized
from bot.imaging.regions import Mask, grown

SIDE = 1280
TINT = np.array((255, 45, 85), np.float32)
STRENGTH = 0.45


def overlay(picture: Image.Image, mask: Mask) -> bytes:
    """The picture, its longer side at most 1280, under a red tint where the mask is, with a light outline around it."""
    scale = min(1.0, SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    levels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), np.float32)
    area = resized(mask, size)
    shown = np.where(area[..., None], levels + (TINT - levels) * STRENGTH, levels)
    line = max(1.5, min(size) / 250)
    shown[grown(area, line) & ~grown(area, -line)] = 255
    buffer = io.BytesIO()
    Image.fromarray(shown.astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
