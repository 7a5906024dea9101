"""Image prompts: some of a picture's cells are given, and the decoder draws the rest around them.

A cell is what one code stands for, 8×8 pixels.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import torch
from torch import Tensor

from inference.families.rudalle.nets.vqgan import CODE_PIXELS, encode


@dataclass(frozen=True, slots=True)
class Borders:
    """How many rows or columns of cells are given at each side of a picture."""

    up: int = 0
    down: int = 0
    left: int = 0
    right: int = 0


def given_cells(borders: Borders, side: int) -> Tensor:
    """Which cells of a picture of `side`×`side` of them are given, bool. Raises ValueError for borders beyond it."""
    if not all(0 <= cells <= side for cells in astuple(borders)):
        raise ValueError(f"a border has 0 to {side} cells, not {max(astuple(borders), key=abs)}")
    given = torch.zeros(side, side, dtype=torch.bool)
    given[: borders.up] = given[side - borders.down :] = True
    given[:, : borders.left] = given[:, side - borders.right :] = True
    return given


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """The codes [n, n] of a picture, and which of its cells are given, bool [n, n]; no other codes matter."""

    codes: Tensor
    given: Tensor


def image_prompt(vqgan: Any, image: Tensor, borders: Borders, *, crop_first: bool = False) -> ImagePrompt:
    """The prompt that the borders of a square `image` [3, 8n, 8n] in [−1, 1] make.

    With `crop_first` each border is encoded by itself, so that nothing of what lies between them shows through; where
    two meet, left and right go over down, and up over all. Raises ValueError for an image that is not square, or of
    broken cells, or smaller than its borders.
    """
    _, height, width = image.shape
    side = height // CODE_PIXELS
    if height != width or height != side * CODE_PIXELS:
        raise ValueError(f"an image prompt is a square of whole cells, not {width}×{height} pixels")
    given = given_cells(borders, side)
    if not crop_first:
        return ImagePrompt(encode(vqgan, image[None])[0], given)
    codes = torch.zeros(side, side, dtype=torch.long, device=image.device)
    everything = slice(None)
    for rows, columns in (
        (slice(side - borders.down, side), everything),
        (everything, slice(side - borders.right, side)),
        (everything, slice(borders.left)),
        (slice(borders.up), everything),
    ):
        if codes[rows, columns].numel():
            codes[rows, columns] = encode(vqgan, image[None, :, _pixels(rows), _pixels(columns)])[0]
    return ImagePrompt(codes, given)


def _pixels(cells: slice) -> slice:
    return slice(*(None if end is None else end * CODE_PIXELS for end in (cells.start, cells.stop)))
