"""Pictures of any size through a net that sees one tile at a time, seams as published (github.com/ai-forever/ru-dalle).

A picture is mirrored beyond its edges, what is missing to whole tiles repeats the last row and column, and each tile
brings some of what lies around it along, which is cut off again. Pictures are uint8 [H, W, 3] on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inference.engine.finite import finite
from inference.families.realesrgan.nets import RRDBNet
from inference.requests.fields import MAX_PICTURE_SIDE, MAX_PIXELS

AT_ONCE = 4  # tiles in a pass


@dataclass(frozen=True, slots=True)
class Tiling:
    """Pixels of a side: of a tile, of what it brings along on each side, and of the mirrored margin of the picture."""

    tile: int = 192
    around: int = 24
    margin: int = 15


PUBLISHED = Tiling()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a tile begins in the picture with its margin."""

    top: int
    left: int


def frames(height: int, width: int, tiling: Tiling = PUBLISHED) -> tuple[Frame, ...]:
    """The tiles of a picture of this size, row by row."""
    rows, columns = (range(0, side + 2 * tiling.margin, tiling.tile) for side in (height, width))
    return tuple(Frame(top, left) for top in rows for left in columns)


def cut(picture: Tensor, frame: Frame, tiling: Tiling = PUBLISHED) -> Tensor:
    """A tile with what lies around it, uint8 [3, s, s] where s is tile + 2 × around."""
    height, width = picture.shape[:2]
    rows, columns = _seen(frame.top, height, tiling), _seen(frame.left, width, tiling)
    return picture[rows][:, columns].permute(2, 0, 1)


def _seen(start: int, length: int, tiling: Tiling) -> Tensor:
    """Which of `length` pixels a tile sees along one side."""
    at = torch.arange(start - tiling.around, start + tiling.tile + tiling.around)
    at = at.clamp(0, length + 2 * tiling.margin - 1) - tiling.margin
    at = at.remainder(2 * length)  # a picture and its mirror image, again and again
    return torch.minimum(at, 2 * length - 1 - at)


def place(canvas: Tensor, frame: Frame, pixels: Tensor, scale: int, tiling: Tiling = PUBLISHED) -> None:
    """Writes an enlarged tile, uint8 [3, s, s], into the enlarged picture `canvas`, uint8 [H, W, 3]."""
    height, width = canvas.shape[:2]
    (top, bottom, y), (left, right, x) = (
        _kept(frame.top, height, scale, tiling),
        _kept(frame.left, width, scale, tiling),
    )
    tile = pixels[:, y : y + bottom - top, x : x + right - left]
    canvas[top:bottom, left:right] = tile.permute(1, 2, 0)


def _kept(start: int, length: int, scale: int, tiling: Tiling) -> tuple[int, int, int]:
    """From where to where a tile goes along one side of the canvas, and which of its own pixels comes first."""
    begin = (start - tiling.margin) * scale
    first, last = (min(max(at, 0), length) for at in (begin, begin + tiling.tile * scale))
    return first, last, tiling.around * scale + first - begin


def enlarge_tiles(net: RRDBNet, tiles: Tensor) -> Tensor:
    """Enlarged tiles, uint8 [B, 3, s·scale, s·scale] on the CPU, for `tiles`, uint8 [B, 3, s, s]. Raises NotFinite."""
    weight = net.conv_first.weight
    seen = (tiles.double() / 255).to(weight.dtype).to(weight.device)
    pixels = finite(net(seen).float(), "realesrgan", weight.dtype)
    return (pixels.clamp(0, 1).cpu().double() * 255).to(torch.uint8)  # published: not rounded


@torch.inference_mode()
def enlarge(net: RRDBNet, picture: Tensor, tiling: Tiling = PUBLISHED, *, at_once: int = AT_ONCE) -> Tensor:
    """The picture enlarged, uint8 [H·scale, W·scale, 3]. Raises ValueError where that would be larger than any picture
    may be, NotFinite where the net fails."""
    height, width = picture.shape[:2]
    canvas = blank(height, width, net.scale)
    wanted = frames(height, width, tiling)
    for start in range(0, len(wanted), at_once):
        some = wanted[start : start + at_once]
        tiles = torch.stack([cut(picture, frame, tiling) for frame in some])
        for frame, pixels in zip(some, enlarge_tiles(net, tiles), strict=True):
            place(canvas, frame, pixels, net.scale, tiling)
    return canvas


def blank(height: int, width: int, scale: int) -> Tensor:
    """An enlarged picture to place tiles in, uint8 [H·scale, W·scale, 3]. Raises ValueError for one that is empty or
    larger than any picture may be."""
    high, wide = height * scale, width * scale
    if not 0 < high * wide <= MAX_PIXELS or max(high, wide) > MAX_PICTURE_SIDE:
        raise ValueError(f"{width}×{height} pixels cannot be enlarged {scale} times")
    return torch.zeros(high, wide, 3, dtype=torch.uint8)
