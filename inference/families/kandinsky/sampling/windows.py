"""Windows over a picture that is too large for one pass, and how what is made in them becomes one picture again.

`windows` follows MultiDiffusion (Bar-Tal et al. 2023, arXiv:2302.08113): equal windows, the last of a row pulled back
to the edge, overlaps averaged. Their weights add up to one everywhere, so a weighted sum is the picture; nothing has to
be counted or divided. `stitch` is the older way of the published decoder, kept to compare with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Shape = Literal["flat", "ramp", "hann"]


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of a picture."""

    top: int
    left: int
    height: int
    width: int

    def of(self, picture: Tensor) -> Tensor:
        """The part of `picture` [..., H, W] under this view, without a copy."""
        return picture[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def times(self, factor: int) -> View:
        return View(self.top * factor, self.left * factor, self.height * factor, self.width * factor)

    def over(self, factor: int) -> View:
        return View(self.top // factor, self.left // factor, self.height // factor, self.width // factor)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A view and its share of the picture at each of its rows [h, 1] and columns [1, w]; those of all windows over a
    point add up to one."""

    view: View
    rows: Tensor
    columns: Tensor

    def add_to(self, picture: Tensor, made: Tensor) -> None:
        """Adds `made` [..., h, w], weighted, to its place in `picture` [..., H, W]; `made` may be overwritten."""
        self.view.of(picture).addcmul_(made.to(picture.device, picture.dtype), self.rows * self.columns)  # [h, w]

    def to(self, device: torch.device) -> Window:
        """The same window with its weights on `device`, where the pictures lie that it adds to."""
        rows, columns = (share.to(device, non_blocking=True) for share in (self.rows, self.columns))
        return replace(self, rows=rows, columns=columns)


def starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side; none reaches beyond it, and a side no longer than one has just one."""
    if length <= window:
        return [0]
    count = math.ceil((length - window) / stride) + 1
    return [min(number * stride, length - window) for number in range(count)]


def count_windows(height: int, width: int, window: int, stride: int) -> int:
    return len(starts(height, window, stride)) * len(starts(width, window, stride))


def windows(height: int, width: int, window: int, stride: int, shape: Shape = "flat") -> list[Window]:
    """All windows over height x width, row by row.

    `shape` is what a window counts for from its middle to its edges: the same everywhere ("flat"), falling off where
    it overlaps its neighbours ("ramp"), or like a Hann window.
    """
    down, across = (_along(length, window, stride, shape) for length in (height, width))
    return [
        Window(View(top, left, len(rows), len(columns)), rows[:, None], columns[None])
        for top, rows in down
        for left, columns in across
    ]


@lru_cache(maxsize=64)
def _along(length: int, window: int, stride: int, shape: Shape) -> tuple[tuple[int, Tensor], ...]:
    """Start and normalised weights, float32, of every window along one side."""
    size, places = min(length, window), starts(length, window, stride)
    profile, total = _profile(size, window - stride, shape), torch.zeros(length, dtype=torch.float64)
    for start in places:
        total[start : start + size] += profile
    return tuple((start, (profile / total[start : start + size]).float()) for start in places)


def _profile(size: int, overlap: int, shape: Shape) -> Tensor:
    place = torch.arange(size, dtype=torch.float64) + 0.5
    if shape == "hann":
        return torch.sin(math.pi * place / size) ** 2
    if shape == "ramp" and overlap:
        return torch.minimum(place, size - place).clamp_max(overlap) / overlap
    return torch.ones(size, dtype=torch.float64)


def tiles(height: int, width: int, tile: int, step: int) -> list[list[View]]:
    """Tiles of the published decoder, row by row: one at every multiple of `step`, cut off at the edges."""
    return [
        [View(top, left, min(tile, height - top), min(tile, width - left)) for left in range(0, width, step)]
        for top in range(0, height, step)
    ]


def stitch(rows: Sequence[Sequence[Tensor]], blend: int, keep: int) -> Tensor:
    """Tiles [..., h, w] as one picture: each is faded into the one above it and the one to its left over `blend`
    pixels, in place and in order, and counts for `keep` pixels of each side."""
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            if number:
                _fade(rows[number - 1][column], tile, blend, dim=-2)
            if column:
                _fade(row[column - 1], tile, blend, dim=-1)
    return torch.cat([torch.cat([tile[..., :keep, :keep] for tile in row], dim=-1) for row in rows], dim=-2)


def _fade(before: Tensor, tile: Tensor, blend: int, dim: int) -> None:
    count = min(before.shape[dim], tile.shape[dim], blend)
    if not count:
        return
    share = torch.arange(count, device=tile.device, dtype=tile.dtype) / count
    share = share[:, None] if dim == -2 else share
    end, start = before.narrow(dim, before.shape[dim] - count, count), tile.narrow(dim, 0, count)
    start.copy_(end * (1 - share) + start * share)
