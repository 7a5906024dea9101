"""What somebody has painted over a picture, found by comparing the painted copy with the original.

The copy has been through a messenger: it is rescaled and a JPEG, so no pixel is quite what it was. A pixel counts as
painted where its colour lies outside everything the original shows around it, by more than the copy's own noise. That
noise is read from the copy itself: most of it is not painted.

Pure functions on Pillow images and boolean arrays [H, W], True = to be repainted. Call them in a thread.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bot.imaging.alignment import MaskError, Plane, aligned
from bot.imaging.regions import Mask, dropped_specks, filled, grown

WORKING_SIDE = 1024
AROUND = 5  # pixels: how far JPEG and rescaling carry a colour
LEAST_CONTRAST = 14.0  # of 255: nobody paints in a colour closer to the picture's own
SURE_CONTRAST = 30.0
FAINT_CHANGE = 5.0  # on average around a pixel: enough where the colour is that of the paint
NOISE_TILE = 16
QUIET_SHARE = 0.3  # the share of tiles that is taken to be free of paint
MOST_NOISE = 14.0  # of 255: more than a messenger adds, so that share was painted too
EVERYTHING = 0.93


class NothingPainted(MaskError):
    """The copy shows the picture as it was."""


class EverythingPainted(MaskError):
    """Hardly anything of the picture is left, so there is nothing to go by."""


def painted_area(original: Image.Image, copy: Image.Image, *, explain: bool = True) -> Mask:
    """The area that was painted over, or its inside where it was outlined; at the size of the original.

    Raises NothingPainted, EverythingPainted, and what `alignment.aligned` raises about copies of something else.
    """
    ours, theirs = _at_one_size(original, aligned(original, copy, explain=explain))
    strokes = _strokes(ours, theirs)
    if not strokes.any():
        raise NothingPainted
    area = filled(strokes)
    if area.mean() > EVERYTHING:
        raise EverythingPainted
    return resized(area, original.size)


def resized(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at another size (width, height), its outline smooth."""
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    soft = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(soft) >= 128


def with_margin(mask: Mask, share: float = 0.012) -> Mask:
    """The mask with a margin of a share of the shorter side: paint seldom covers what is meant to its very edge."""
    return grown(mask, share * min(mask.shape))


def to_png(mask: Mask) -> bytes:
    """A PNG (L), white where the picture is to be repainted."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def from_png(content: bytes) -> Mask:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return np.asarray(image.convert("L")) >= 128


def _at_one_size(original: Image.Image, copy: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Both with the detail that the smaller of them can hold, at the working size."""
    detail = min(WORKING_SIDE / max(original.size), copy.width / original.width, copy.height / original.height, 1.0)
    smaller = _scaled(original.size, detail)
    working = _scaled(original.size, min(1.0, WORKING_SIDE / max(original.size)))
    both = []
    for image in (original, copy):
        if image.size != smaller:
            image = image.resize(smaller, Image.Resampling.BICUBIC)
        both.append(image.resize(working, Image.Resampling.BICUBIC) if working != smaller else image)
    return both[0], both[1]


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def _strokes(original: Image.Image, copy: Image.Image) -> Mask:
    """Painted pixels: contrast above the noise, connected to contrast that leaves no doubt, no specks."""
    ours = np.asarray(original.convert("YCbCr"))
    theirs = np.asarray(copy.convert("YCbCr"))
    contrast = _contrast(ours, theirs)
    noise = _noise(contrast)
    # Half of what the stroke reaches nearby is where its edge was before it was blurred.
    edge = 0.5 * _extreme(np.maximum, ndimage.gaussian_filter(contrast, 0.7), 7)
    possible = contrast > np.maximum(edge, max(LEAST_CONTRAST, 2.0 * noise))
    sure = possible & (contrast > max(SURE_CONTRAST, 4.0 * noise))
    if sure.any():
        possible |= _of_the_paint(theirs, sure) & (_average_change(ours, theirs) > FAINT_CHANGE)
    labels, count = ndimage.label(possible, structure=np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[np.unique(labels[sure])] = True
    return dropped_specks(kept[labels])


def _of_the_paint(copy: NDArray[np.uint8], sure: Mask) -> Mask:
    """Pixels of the colour that most of the paint has: a red brush still shows on a red roof, if less clearly."""
    painted = copy[sure].astype(np.float32)
    colour = np.median(painted, axis=0)
    spread = np.median(np.abs(painted - colour), axis=0)
    if spread.max() > 6:  # a marker takes on the colours below it
        return np.zeros_like(sure)
    return np.asarray((np.abs(copy - colour) < 5 + 3 * spread).all(axis=-1))


def _average_change(original: NDArray[np.uint8], copy: NDArray[np.uint8]) -> Plane:
    """How much the colour differs when averaged over some pixels, which leaves little of any noise.  [H, W]"""
    change = ndimage.gaussian_filter(copy.astype(np.float32) - original, (2.0, 2.0, 0.0))
    return np.asarray(np.abs(change).max(axis=-1))


def _contrast(original: NDArray[np.uint8], copy: NDArray[np.uint8]) -> Plane:
    """How far each pixel of the copy lies outside the colours of the original around it, 0 to some 400.  [H, W]

    Or the original's pixel outside the colours of the copy: a flat stroke over a motley ground may be of a colour that
    occurs in it, but then the ground's other colours are gone.
    """
    outside = np.maximum(_outside(copy, original), _outside(original, copy)).astype(np.float32)
    return np.asarray(np.sqrt((outside**2).sum(axis=-1)))


def _outside(pixels: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Per channel, how far each pixel lies outside the range of the other's neighbourhood.  [H, W, 3]"""
    lowest = _extreme(np.minimum, other, AROUND).astype(np.int16)
    highest = _extreme(np.maximum, other, AROUND).astype(np.int16)
    here = pixels.astype(np.int16)
    return np.asarray(np.maximum(0, np.maximum(lowest - here, here - highest)))


def _extreme(which: np.ufunc, levels: NDArray[Any], size: int) -> NDArray[Any]:
    """The minimum or maximum over a square of odd size around each pixel; several times as fast as scipy's filters."""
    reach = size // 2
    for axis in (0, 1):
        margins = [(reach, reach) if axis == other else (0, 0) for other in range(levels.ndim)]
        windows = sliding_window_view(np.pad(levels, margins, mode="edge"), size, axis)
        levels = functools.reduce(which, (windows[..., shift] for shift in range(size)))
    return levels


def _noise(contrast: Plane) -> float:
    """The contrast that the quietest tiles reach without any paint."""
    height, width = (side // NOISE_TILE * NOISE_TILE for side in contrast.shape)
    if not height or not width:
        return 0.0
    tiles = contrast[:height, :width].reshape(height // NOISE_TILE, NOISE_TILE, width // NOISE_TILE, NOISE_TILE)
    return min(MOST_NOISE, float(np.quantile(np.quantile(tiles, 0.98, axis=(1, 3)), QUIET_SHARE)))
