"""Whether a copy still shows the same picture in the same frame, and if not, what has happened to it.

Small copies are compared tile by tile: paint spoils the tiles it covers and leaves the others alike, whatever else the
copy has been through. Only where too few are alike is the copy searched for in the original: turned, shifted, or as a
part of it, by normalised cross-correlation (Lewis, "Fast Normalized Cross-Correlation", 1995).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

Plane = NDArray[np.float32]

SIDE = 128  # of the small copies, the longer one
TILE = 8
TEXTURE = 5.0  # of 255: a tile whose levels spread wider shows something
SAME_LEVEL = 14.0
SAME_SHAPE = 0.85
ENOUGH_SAME = 0.12
ENOUGH_ALIKE = 0.6
FEWEST_TILES = 6
ASPECT_TOLERANCE = 0.02
FOUND = 0.45
CLEAR = 0.75
CHANCE = 0.6  # a small part fits somewhere by chance: what to deduct per share of the sides missing
MOST_DRIFT = 0.012  # of the longer side: what an editor may cut off at an edge without anybody noticing
DRIFT_SIDE = 512
PARTS = tuple(0.94**step for step in range(14))  # down to less than a half of the original's sides
FRAMES = (1.15, 1.3, 1.5)
TILTS = tuple(sign * degrees for degrees in (2, 4, 7, 10, 14, 20, 30, 45) for sign in (1, -1))


class MaskError(ValueError):
    """No area can be read out of a copy. What a person reads is written where it is answered."""


class AnotherPicture(MaskError):
    """The copy does not show the original."""


class Cropped(MaskError):
    """The copy shows a part of the original."""


class Shifted(MaskError):
    """The copy shows the original elsewhere in its frame, or in a larger frame."""


class Rotated(MaskError):
    """The copy is turned or mirrored."""


@dataclass(frozen=True)
class _Guess:
    """What may have happened: the copy was turned (degrees, counterclockwise) or mirrored, and shows a part of the
    original; above one, the original with something around it."""

    turned: float = 0.0
    mirrored: bool = False
    part: float = 1.0


def aligned(original: Image.Image, copy: Image.Image, *, explain: bool = True) -> Image.Image:
    """The copy, put right where it lies a few pixels off. Raises AnotherPicture, Cropped, Shifted, Rotated.

    What has happened to a copy takes most of a second to find out; without `explain` it is simply another picture.
    """
    shape = math.log(copy.width / copy.height) - math.log(original.width / original.height)
    rounding = 1.0 / min(copy.size) + 1.0 / min(original.size)
    if abs(shape) > ASPECT_TOLERANCE + rounding or not _same_frame(original, copy):
        if not explain:
            raise AnotherPicture
        raise _what_happened(original, copy)
    return _without_drift(original, copy)


def _same_frame(original: Image.Image, copy: Image.Image) -> bool:
    """Whether enough tiles show the same, give or take a pixel of the small copies."""
    size = _small(original.size)
    ours, theirs = _levels(original, size), _levels(copy, size)
    steps = (0, 1, -1)
    return any(_same_tiles(ours, np.roll(theirs, (dy, dx), axis=(0, 1))) for dy in steps for dx in steps)


def _same_tiles(levels: Plane, other_levels: Plane) -> bool:
    """Whether enough tiles are the same, or, under a marker that covers everything, have the same shapes in them."""
    ours, theirs = _tiles(levels), _tiles(other_levels)
    mean, other_mean = ours.mean(axis=1), theirs.mean(axis=1)
    spread, other_spread = ours.std(axis=1), theirs.std(axis=1)
    textured = spread > TEXTURE
    same = np.abs(mean - other_mean) < SAME_LEVEL
    if textured.sum() < FEWEST_TILES:  # a plain picture has nothing but its levels to be known by
        return bool(same.mean() > ENOUGH_SAME)
    products = ((ours - mean[:, None]) * (theirs - other_mean[:, None])).mean(axis=1)
    alike = products > SAME_SHAPE * np.maximum(spread * other_spread, 1e-3)
    same &= alike & (np.abs(spread - other_spread) < 0.35 * spread)
    return bool(same[textured].mean() > ENOUGH_SAME or alike[textured].mean() > ENOUGH_ALIKE)


def _without_drift(original: Image.Image, copy: Image.Image) -> Image.Image:
    """The copy moved back by the few pixels that an editor's rounding may have moved it."""
    scale = min(1.0, DRIFT_SIDE / max(original.size))
    size = (max(1, round(original.width * scale)), max(1, round(original.height * scale)))
    ours, theirs = (_outlines(_levels(image, size)) for image in (original, copy))
    across = fft.irfft2(fft.rfft2(ours) * np.conj(fft.rfft2(theirs)), s=ours.shape)
    most = max(1, round(MOST_DRIFT * max(size)))
    near = np.roll(across, (most, most), axis=(0, 1))[: 2 * most + 1, : 2 * most + 1]
    dy, dx = (int(place) - most for place in np.unravel_index(int(near.argmax()), near.shape))
    energy = float((ours**2).sum())
    telling = energy > ours.size and near.max() > 0.3 * energy  # a plain picture has no outlines to be moved by
    if not (dx or dy) or not telling or near.max() < 1.03 * across[0, 0]:
        return copy
    by = copy.width / size[0]
    moved = Image.new("RGB", copy.size)
    back = (round(dx * by), round(dy * by))
    moved.paste(original.resize(copy.size, Image.Resampling.BICUBIC))  # what was cut off was not painted
    moved.paste(copy, back)
    return moved


def _what_happened(original: Image.Image, copy: Image.Image) -> MaskError:
    """The first good guess, or the best one if it is good enough."""
    search = _Search(_outlines(_levels(original, _small(original.size))))
    levels = copy.convert("L")
    levels.thumbnail((2 * SIDE, 2 * SIDE), Image.Resampling.BOX)
    best, likeliest = 0.0, _Guess()
    for guess in _guesses():
        fit = search.fit(levels, guess) - CHANCE * max(0.0, 0.7 - guess.part)
        if fit > best:
            best, likeliest = fit, guess
        if best > CLEAR:
            break
    if best < FOUND:
        return AnotherPicture()
    if likeliest.turned or likeliest.mirrored:
        return Rotated()
    same_shape = abs(math.log(copy.width / copy.height * original.height / original.width)) < ASPECT_TOLERANCE
    return Shifted() if likeliest.part > 0.97 and (same_shape or likeliest.part > 1) else Cropped()


def _guesses() -> Iterator[_Guess]:
    """From the likeliest on."""
    yield from (_Guess(part=part) for part in (*PARTS, *FRAMES))
    yield from (_Guess(turned=turned) for turned in (90.0, 180.0, 270.0))
    yield _Guess(mirrored=True)
    yield from (_Guess(turned=float(tilt), part=part) for tilt in TILTS for part in (1.0, 0.9, 0.8, 0.7))


class _Search:
    """Looks for a copy in the outlines of the original, anywhere, by correlation in the frequency domain."""

    def __init__(self, outlines: Plane) -> None:
        self._outlines = outlines
        self._shape = tuple(fft.next_fast_len(round(side * (1 + max(FRAMES))), real=True) for side in outlines.shape)
        self._seen = self._transformed(np.ones_like(outlines))
        self._picture = self._transformed(outlines)
        self._energy = self._transformed(outlines**2)

    def fit(self, copy: Image.Image, guess: _Guess) -> float:
        """The normalised correlation where the copy, with the guess undone, fits best; at most 1."""
        template, valid = self._undone(copy, guess)
        kernel, area, power = (self._transformed(plane).conj() for plane in (template, valid, template**2))
        overlap = self._back(self._seen * area)
        enough = overlap > 0.6 * min(valid.sum(), self._outlines.size)
        energies = self._back(self._energy * area) * self._back(self._seen * power)
        strength = np.sqrt(np.maximum(energies, 1e-6))
        found = self._back(self._picture * kernel)
        return float(np.where(enough, found / np.maximum(strength, 1.0), -1).max())

    def _undone(self, copy: Image.Image, guess: _Guess) -> tuple[Plane, Plane]:
        """Outlines of the copy put right and scaled to the part it would be, and where they are known."""
        image = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if guess.mirrored else copy
        if guess.turned and guess.turned % 90 == 0:
            image = image.rotate(-guess.turned, expand=True)
        height, width = self._outlines.shape
        scale = guess.part * min(width / image.width, height / image.height)
        size = (max(TILE, round(image.width * scale)), max(TILE, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
        valid = Image.new("L", size, 255)
        if guess.turned % 90:
            image = image.rotate(-guess.turned, Image.Resampling.BICUBIC)
            valid = valid.rotate(-guess.turned)
        known = ndimage.binary_erosion(np.asarray(valid) > 0, iterations=2, border_value=1)
        outlines = _outlines(np.asarray(image, np.float32))
        return np.where(known, outlines, 0).astype(np.float32), known.astype(np.float32)

    def _transformed(self, plane: Plane) -> NDArray[np.complex64]:
        return np.asarray(fft.rfft2(plane, s=self._shape))

    def _back(self, spectrum: NDArray[np.complex64]) -> Plane:
        return np.asarray(fft.irfft2(spectrum, s=self._shape))


def _small(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the small copy, at least a tile each."""
    scale = SIDE / max(size)
    return (max(TILE, round(size[0] * scale)), max(TILE, round(size[1] * scale)))


def _levels(image: Image.Image, size: tuple[int, int]) -> Plane:
    return np.asarray(image.convert("L").resize(size, Image.Resampling.BOX), np.float32)


def _outlines(levels: Plane) -> Plane:
    """What changes over some pixels, without what changes slower or faster; strong edges count no more than others."""
    band = ndimage.gaussian_filter(levels, 1.0) - ndimage.gaussian_filter(levels, 4.0)
    return np.asarray(np.clip(band, -25, 25), np.float32)


def _tiles(levels: Plane) -> Plane:
    """[tiles, TILE * TILE]"""
    rows, columns = (side // TILE for side in levels.shape)
    cut = levels[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    return cut.swapaxes(1, 2).reshape(rows * columns, TILE * TILE)
