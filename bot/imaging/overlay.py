"""A picture with the area that is to be repainted tinted and outlined, as a JPEG for the chat."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bot.imaging.collage import MIN_TILE
from bot.imaging.masks import resized
from bot.imaging.regions import Mask, grown

SIDE = 1280
TINTS = np.array([(255, 45, 85), (20, 110, 255)], np.float32)  # red, or blue where red would hardly be seen
STRENGTH = 0.45


def overlay(picture: Image.Image, mask: Mask) -> bytes:
    """The picture, as large as without an area (`collage.photo`), under a tint where the mask is, with a light outline
    around it. The tint is the one that differs most from what it lies on."""
    scale = min(max(1.0, MIN_TILE / min(picture.size)), SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    levels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), np.float32)
    area = resized(mask, size)
    tint = max(TINTS, key=lambda one: float(np.abs(levels[area] - one).sum()))
    shown = np.where(area[..., None], levels + (tint - levels) * STRENGTH, levels)
    line = max(1.5, min(size) / 250)
    shown[grown(area, line) & ~grown(area, -line)] = 255
    buffer = io.BytesIO()
    Image.fromarray(shown.astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
