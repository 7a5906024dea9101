"""As much of OpenCV's contours as the published cutting out relies on: following borders, filling, drawing lines.

Borders are followed as by Suzuki and Abe 1985 ("Topological structural analysis of digitized binary images by border
following"). Masks are bool [H, W], points are (row, column).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

Mask = NDArray[np.bool_]
Contour = NDArray[np.int64]

_EAST, _WEST = 0, 4  # of eight directions, counterclockwise from the east
_DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_OUTSIDE = 1  # how `label` numbers the gap that the first pixel lies in


def find_contours(mask: Mask) -> list[Contour]:
    """The borders of all things in a mask, outer ones and those of holes, each as points [N, 2] that follow each other.

    Things hold together at corners too, gaps only at sides. The order is OpenCV's (RETR_TREE, CHAIN_APPROX_NONE): what
    lies within a border comes after it, of neighbours the last first.
    """
    around = np.pad(mask, 1)
    width = around.shape[1]
    things, _ = label(around, np.ones((3, 3)))
    gaps, _ = label(~around)
    within_gap = _by_owner(things, gaps, skip=0)
    within_thing = _by_owner(gaps, things, skip=_OUTSIDE)
    pixels, steps = around.tobytes(), [dy * width + dx for dy, dx in _DIRECTIONS]
    chains = []
    waiting = [(first, True, name) for first, name in within_gap[_OUTSIDE]]
    while waiting:
        first, is_thing, name = waiting.pop()
        chains.append(_follow(pixels, steps, first, _WEST) if is_thing else _follow(pixels, steps, first - 1, _EAST))
        inner = within_thing[name] if is_thing else within_gap[name]
        waiting += [(pixel, not is_thing, number) for pixel, number in inner]
    return [np.stack(np.divmod(np.array(chain), width), axis=1) - 1 for chain in chains]


def _by_owner(inner: NDArray[np.int32], outer: NDArray[np.int32], *, skip: int) -> dict[int, list[tuple[int, int]]]:
    """The first pixel and the number of every region of `inner`, row by row, by the region of `outer` it lies in."""
    owned: dict[int, list[tuple[int, int]]] = defaultdict(list)
    numbers, firsts = np.unique(inner, return_index=True)
    for first, number in sorted(zip(firsts.tolist(), numbers.tolist(), strict=True)):
        if number > skip:
            owned[int(outer.flat[first - 1])].append((first, number))
    return owned


def _follow(pixels: bytes, steps: list[int], start: int, gap: int) -> list[int]:
    """The border that begins at pixel `start`, beside which a gap lies in the direction `gap`."""
    back = next((way % 8 for way in range(gap - 1, gap - 8, -1) if pixels[start + steps[way % 8]]), None)
    if back is None:
        return [start]
    last, here, chain = start + steps[back], start, []
    while True:
        chain.append(here)
        way = (back + 1) % 8
        while not pixels[here + steps[way]]:
            way = (way + 1) % 8
        there = here + steps[way]
        if there == start and here == last:
            return chain
        here, back = there, (way + 4) % 8


def fill(contours: list[Contour], shape: tuple[int, int]) -> Mask:
    """What lies within an odd number of contours, or on one (OpenCV's fillPoly)."""
    crossings = np.zeros(shape, np.int64)
    on = np.zeros(shape, bool)
    for contour in contours:
        on[tuple(contour.T)] = True
        for (row, column), (next_row, next_column) in pairwise([*contour.tolist(), contour[0].tolist()]):
            if row != next_row:
                crossings[min(row, next_row), column if row < next_row else next_column] += 1
    inside: Mask = on | (crossings.cumsum(axis=1) % 2 == 1)
    return inside


def stroke(contours: list[Contour], shape: tuple[int, int]) -> Mask:
    """The contours as closed lines of width 2 (OpenCV's drawContours): a cross at each point, and the two other corners
    at both ends of a diagonal."""
    drawn = np.zeros((shape[0] + 2, shape[1] + 2), bool)
    for contour in contours:
        points = contour + 1
        step = np.roll(points, -1, axis=0) - points
        for offset in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            drawn[tuple((points + offset).T)] = True
        diagonal = step.prod(axis=1) != 0
        across = np.stack([-step[:, 1], step[:, 0]], axis=1)[diagonal]
        for end in (points[diagonal], (points + step)[diagonal]):
            for corner in (end + across, end - across):
                drawn[tuple(corner.T)] = True
    return drawn[1:-1, 1:-1]
