"""Shapes of areas: discs around them, gaps closed, specks dropped, outlines filled. Boolean arrays [H, W]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

GAP = 0.035  # of the shorter side: what may stay open in a circle drawn by hand
CHINK = 0.010  # of the shorter side: what may stay blank between the strokes of somebody painting something over
SPECK_AREA = 40 / 1024**2  # of the picture
SPECK_SHARE = 0.02  # of the largest area
CRUMB = 0.01  # of the picture: a hole as small as this is an oversight, whatever is around it
CORNER_SHARE = 0.35  # of the picture: the most that a stroke can cut off at its edge
_EIGHT = np.ones((3, 3), bool)


def grown(mask: Mask, pixels: float) -> Mask:
    """The mask and everything within so many pixels of it; with a negative number, without what lies so near to its
    outside. The picture's edge is no outside."""
    if pixels > 0 and mask.any():
        return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels)
    if pixels < 0 and not mask.all():
        return np.asarray(ndimage.distance_transform_edt(mask) > -pixels)
    return mask.copy()


def closed(mask: Mask, pixels: float) -> Mask:
    """Grown by so many pixels and shrunk again: gaps up to twice as wide are gone, the outline is where it was."""
    if not mask.any():
        return mask.copy()
    margin = int(np.ceil(pixels)) + 1
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    piece = np.pad(mask[rows, columns], margin)
    whole = mask.copy()
    whole[rows, columns] |= grown(grown(piece, pixels), -pixels)[margin:-margin, margin:-margin]
    return whole


def dropped_specks(mask: Mask) -> Mask:
    """Without areas that no brush leaves: tiny ones, and those tiny beside the largest."""
    labels, count = ndimage.label(mask, structure=_EIGHT)
    if not count:
        return mask
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return np.asarray((areas >= max(SPECK_AREA * mask.size, SPECK_SHARE * areas.max()))[labels])


def filled(strokes: Mask) -> Mask:
    """The area that strokes stand for.

    A stroke that encloses something, also with the help of the picture's edge and across a small gap, is an outline:
    its inside is meant. One exception: paint that covers the surroundings of a thing out to at least three edges of
    the picture has a hole because the thing is to stay.
    """
    side = min(strokes.shape)
    area = closed(strokes, CHINK * side)
    bridged = closed(strokes, GAP * side)
    inside = _enclosed(bridged) & ~bridged
    if inside.any():
        # Bridges count only where they close an outline, else the mouth of every bay would be filled.
        labels, _ = ndimage.label(bridged | inside, structure=_EIGHT)
        outlined = np.isin(labels, np.unique(labels[inside]))
        area |= outlined & (inside | bridged)
    return area | _enclosed(area)


def _enclosed(mask: Mask) -> Mask:
    """Pixels that the mask cuts off from the rest of the picture."""
    background, count = ndimage.label(~mask)
    if not count:
        return np.zeros_like(mask)
    edges = (background[0], background[:, -1], background[-1], background[:, 0])
    touches = [[number in edge for edge in edges] for number in range(count + 1)]
    areas = np.bincount(background.ravel(), minlength=count + 1)
    open_areas = [number for number in range(1, count + 1) if any(touches[number])]
    outside = max(open_areas, key=lambda number: areas[number], default=0)
    surroundings = _covers_surroundings(mask)
    inside = [
        number
        for number in range(1, count + 1)
        if (not any(touches[number]) and (not surroundings or areas[number] < CRUMB * mask.size))
        or (number != outside and _cut_off(touches[number]) and areas[number] <= CORNER_SHARE * mask.size)
    ]
    return np.isin(background, inside)


def _cut_off(touches: list[bool]) -> bool:
    """Whether an area at these edges (top, right, bottom, left) lies at one edge or in one corner."""
    return sum(touches) == 1 or (sum(touches) == 2 and touches[0] != touches[2])


def _covers_surroundings(mask: Mask) -> bool:
    """Whether one piece of the mask runs along at least three edges of the picture."""
    edges = (mask[0], mask[:, -1], mask[-1], mask[:, 0])
    return sum(bool(edge.mean() > 0.5) for edge in edges) >= 3
