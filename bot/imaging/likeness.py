"""Whether one picture is another with paint on it, by their signatures: a guess that needs strong proof.

Large areas are the same, with some of what the original shows in them; the rest is a few pieces, each of which is one
colour laid over the original, thicker or thinner, that does not merely go on from what lies beside it. Recompression
and rescaling change little of a signature, and that near edges and everywhere; another picture, another moment of the
same scene or a filter changes most of it, or changes it to colours of its own.

Some milliseconds of pure functions; call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bot.imaging.signature import BYTES, SIDE

Levels = NDArray[np.float32]  # [SIDE, SIDE, 3], or of some pixels [N, 3]
Piece = NDArray[np.bool_]  # [SIDE, SIDE]

SAME_SHAPE = 0.03
SAME = 8.0  # of 255: more than recompression changes of what is plain
SAME_AT_EDGES = 0.08  # and this share of how far the original's levels lie apart around a pixel
CHANGED = 24.0
LEAST_SAME = 0.3  # of the picture
LEAST_SHOWN = 0.25  # of what the original shows, where it is not painted over
FEWEST_SHOWN = 12  # pixels
EDGE = 10.0  # of 255: where levels differ more than that from pixel to pixel, something is shown
MOST_PIECES = 8
SMALLEST_PIECE = 6  # pixels
MOST_OFF = 17.0  # of 255: how far three of four pixels of a piece may lie from its paint
MOST_BESIDE = 0.4  # of what lies around a piece that may be of its colour
MOST_THROUGH = 0.9  # of the original's contrast that a marker lets through
_EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Proof:
    """What is asked of a copy. `shown`: some of what the original shows must be the same, for plain ground alone may
    be anybody's. `unclear` is the most of the picture that may be neither the same nor near anything that is changed;
    `painted` the least of what is changed that must be paint, the largest piece of it of `largest` pixels, with a
    `contrast` of 255 where it is thickest."""

    shown: bool
    unclear: float
    painted: float
    largest: int
    contrast: float


GUESSED = Proof(shown=True, unclear=0.08, painted=0.9, largest=48, contrast=66.0)  # nobody has spoken of paint
ASKED = Proof(shown=False, unclear=0.1, painted=0.8, largest=SMALLEST_PIECE, contrast=40.0)  # somebody was asked for it


def shaped_alike(original: tuple[int, int], copy: tuple[int, int]) -> bool:
    """Whether pictures of these sizes may show the same: signatures tell nothing of their shapes."""
    return abs(copy[0] * original[1] / (copy[1] * original[0]) - 1) < SAME_SHAPE


def painted_over(original: bytes, copy: bytes, proof: Proof = GUESSED) -> bool:
    """Whether the copy is the original with paint on it."""
    if len(original) != BYTES or len(copy) != BYTES:  # of another version
        return False
    ours, theirs = (np.frombuffer(one, np.uint8).reshape(SIDE, SIDE, 3).astype(np.float32) for one in (original, copy))
    change = np.abs(ours - theirs).max(axis=-1)
    around = ndimage.maximum_filter(ours, (3, 3, 1)) - ndimage.minimum_filter(ours, (3, 3, 1))
    same, changed = change <= SAME + SAME_AT_EDGES * around.max(axis=-1), change > CHANGED
    near = ndimage.binary_dilation(changed, _EIGHT, iterations=2)
    if same.mean() < LEAST_SAME or (~same & ~near).mean() > proof.unclear:
        return False
    return (not proof.shown or _shows_the_same(ours, same, near)) and _is_paint(ours, theirs, changed, proof)


def changed_share(original: bytes, copy: bytes) -> float:
    """How much of the picture is clearly another in the copy, 0 to 1."""
    ours, theirs = (np.frombuffer(one, np.uint8).reshape(SIDE, SIDE, 3).astype(np.float32) for one in (original, copy))
    return float((np.abs(ours - theirs).max(axis=-1) > CHANGED).mean())


def _shows_the_same(original: Levels, same: Piece, near: Piece) -> bool:
    """Whether enough of what the original shows is there."""
    luma = original @ np.array([0.299, 0.587, 0.114], np.float32)
    shown = ndimage.maximum_filter(luma, 3) - ndimage.minimum_filter(luma, 3) > EDGE
    if shown.sum() < FEWEST_SHOWN:  # an original as plain as that has nothing but its ground
        return True
    found = shown & same & ~near
    return int(found.sum()) >= FEWEST_SHOWN and bool(found.sum() >= LEAST_SHOWN * (shown & ~near).sum())


def _is_paint(original: Levels, copy: Levels, changed: Piece, proof: Proof) -> bool:
    """Whether what is changed is a few pieces of paint, but for specks."""
    labels, count = ndimage.label(changed, _EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    pieces = [number for number in range(count) if areas[number] >= SMALLEST_PIECE]
    if len(pieces) > MOST_PIECES or max(areas, default=0) < proof.largest:
        return False
    painted = sum(
        int(areas[number])
        for number in pieces
        if _is_brushed(original, copy, changed, labels == number + 1, proof.contrast)
    )
    return painted >= proof.painted * int(areas.sum())


def _is_brushed(original: Levels, copy: Levels, changed: Piece, piece: Piece, contrast: float) -> bool:
    """Whether a piece is one colour over the original: opaque, thinner at its edge, or evenly thin as of a marker."""
    ours, theirs = original[piece], copy[piece]
    change = np.abs(theirs - ours).max(axis=-1)
    if np.quantile(change, 0.9) < contrast:
        return False
    colour = np.median(theirs[change >= np.quantile(change, 0.6)], axis=0)
    if _off(theirs, _mixed(ours, theirs, colour)) <= MOST_OFF:
        ring = ndimage.binary_dilation(piece, _EIGHT, iterations=3) & ~ndimage.binary_dilation(changed, _EIGHT)
        beside = np.abs(copy[ring] - colour).max(axis=-1) < MOST_OFF
        return not beside.size or bool(beside.mean() <= MOST_BESIDE)
    core = ndimage.binary_erosion(piece, _EIGHT)
    if core.sum() < SMALLEST_PIECE:
        return False
    ours, theirs = original[core], copy[core]
    spread = ours - ours.mean(axis=0)
    through = float((spread * theirs).sum() / max(1.0, float((spread**2).sum())))
    if not 0 <= through <= MOST_THROUGH:
        return False
    return _off(theirs, through * ours + (theirs.mean(axis=0) - through * ours.mean(axis=0))) <= MOST_OFF


def _mixed(ours: Levels, theirs: Levels, colour: Levels) -> Levels:
    """The colour over each of these pixels, as thick as fits best."""
    way = colour - ours
    thick = ((theirs - ours) * way).sum(axis=-1) / np.maximum((way**2).sum(axis=-1), 1.0)
    return np.asarray(ours + np.clip(thick, 0, 1)[:, None] * way)


def _off(levels: Levels, expected: Levels) -> float:
    """How far three of four pixels are at most from what is expected."""
    return float(np.quantile(np.abs(levels - expected).max(axis=-1), 0.75))
