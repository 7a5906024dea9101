"""Colours into sRGB, by the profile of a file (Little CMS). A profile that makes no sense is none: the pixels stand."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageCms

Converted = Callable[[Image.Image], Image.Image]

_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}
_PLAIN = 2  # levels: a profile that moves no colour by more is that of sRGB, whatever it is called


def to_srgb(profile: bytes | None, mode: str) -> Converted | None:
    """What makes RGB pictures of sRGB out of pictures in `mode`; None where there is no need, or no profile for it."""
    if profile is None or profile[16:20] != _SPACES.get(mode):
        return None
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(given, _srgb(), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None

    def converted(image: Image.Image) -> Image.Image:
        made = ImageCms.applyTransform(image, transform)
        assert made is not None
        return made

    return None if mode == "RGB" and _changes_nothing(converted) else converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(converted: Converted) -> bool:
    colours = np.array(list(itertools.product(range(0, 256, 51), repeat=3)), np.uint8)[None]
    seen = np.asarray(converted(Image.fromarray(colours)), np.int16)
    return bool(np.abs(seen - colours).max() <= _PLAIN)
