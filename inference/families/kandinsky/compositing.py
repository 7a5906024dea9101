"""Cutting, resizing and joining pictures: uint8 [H, W, 3] on the CPU, masks and weights [H, W]."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool1d

from inference.requests import Box

MOST_TONE = 16.0  # levels
BAND = 256  # rows worked on at once: their float copies stay small however large the picture is


def resized(picture: Tensor, width: int, height: int, how: Image.Resampling = Image.Resampling.LANCZOS) -> Tensor:
    """`picture` at another size; itself where it has that size already."""
    if picture.shape[:2] == (height, width):
        return picture
    scaled = Image.fromarray(picture.contiguous().numpy()).resize((width, height), how)
    return torch.from_numpy(np.array(scaled))


def covering(picture: Tensor, width: int, height: int) -> Tensor:
    """The middle of `picture`, as much as has the ratio width:height, at that size."""
    high, wide = picture.shape[:2]
    scale = max(width / wide, height / high)
    kept = max(1, min(wide, round(width / scale))), max(1, min(high, round(height / scale)))
    middle = Box((wide - kept[0]) // 2, (high - kept[1]) // 2, *kept)
    return resized(cut(picture, middle), width, height)  # cut first: a long thin picture is not enlarged whole


def cut(picture: Tensor, box: Box) -> Tensor:
    """A view of `picture` within `box`."""
    return picture[box.y : box.bottom, box.x : box.right]


def bounds(mask: Tensor) -> Box | None:
    """The smallest box that holds everything of `mask` that is not zero, or None when all is."""
    rows, columns = (mask != 0).any(dim=1).nonzero(), (mask != 0).any(dim=0).nonzero()
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return Box(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def to_signed(picture: Tensor) -> Tensor:
    """Pixels as a net reads them: float32 [3, H, W] in [−1, 1]."""
    return (picture.permute(2, 0, 1).float() / 255) * 2 - 1


def dilated(mask: Tensor, by: int) -> Tensor:
    """Whether a pixel of `mask` within `by` rows and columns is not zero; bool [H, W]."""
    spread = (mask != 0).float()
    for _ in range(2):  # rows, then columns
        spread = max_pool1d(spread, 2 * by + 1, stride=1, padding=by).T.contiguous() if by else spread.T
    return spread > 0


def feathered(mask: Tensor, width: int) -> Tensor:
    """Weights that join new pixels to old: 1 on `mask`, 0 beyond `width` pixels around it, smooth between; float32."""
    weight = torch.zeros(mask.shape)
    marked = bounds(mask)
    if marked is not None:
        near = marked.grown(width, Box(0, 0, mask.shape[1], mask.shape[0]))
        cut(weight, near).copy_(_slope(cut(mask, near), width))
    return weight


def _slope(mask: Tensor, width: int) -> Tensor:
    image = Image.fromarray(dilated(mask, (width + 1) // 2).to(torch.uint8).mul(255).numpy())
    for reach in (width // 4, width // 2 - width // 4):  # two box blurs make a slope without corners
        image = image.filter(ImageFilter.BoxBlur(reach))
    return torch.where(mask != 0, 1.0, torch.from_numpy(np.array(image)).float() / 255)


def toned(new: Tensor, old: Tensor, seam: Tensor, cell: int) -> Tensor:
    """`new`, uint8 [H, W, 3], in the tone of `old`: what they differ by on the bool `seam` [H, W], in squares of `cell`
    pixels, is spread smoothly over the whole.

    A decoder gives a plain ground back a little lighter or darker, and along a seam two levels are seen already. Where
    both are more than MOST_TONE apart, they show different things.
    """
    mean, known = _pooled(new, old, seam, cell)
    if not known.any():
        return new
    offset = _spread(mean, known)
    wide = interpolate(offset, size=(offset.shape[2], new.shape[1]), mode="bilinear")[0]
    made = torch.empty_like(new)
    for rows in _bands(len(new)):
        made[rows] = (new[rows].float() + _heightened(wide, rows, len(new))).clamp(0, 255).round().to(torch.uint8)
    return made


def _pooled(new: Tensor, old: Tensor, seam: Tensor, cell: int) -> tuple[Tensor, Tensor]:
    """How much brighter `old` is in squares of `cell` pixels, [1, 3, h, w], and where the seam tells, [1, 1, h, w]."""
    means, known = [], []
    for rows in _bands(len(new), cell):
        apart = (old[rows].float() - new[rows].float()).permute(2, 0, 1)[None]
        alike = (seam[rows] & (apart.abs().amax(dim=1)[0] <= MOST_TONE))[None, None].float()
        share = avg_pool2d(alike, cell, ceil_mode=True, count_include_pad=False)
        mean = avg_pool2d(apart * alike, cell, ceil_mode=True, count_include_pad=False)
        means.append(mean / share.clamp(min=1e-6))
        known.append(share > 0)
    return torch.cat(means, dim=2), torch.cat(known, dim=2)


def _heightened(values: Tensor, rows: slice, height: int) -> Tensor:
    """Some rows of `values` [C, h, W] brought to `height` rows, bilinear: [rows, W, C]."""
    place = (torch.arange(rows.start, rows.stop) + 0.5) * (values.shape[1] / height) - 0.5
    place = place.clamp(0, values.shape[1] - 1)
    above = place.long()
    below = (above + 1).clamp(max=values.shape[1] - 1)
    share = (place - above)[:, None, None]
    rows_of = values.permute(1, 2, 0)
    return torch.lerp(rows_of[above], rows_of[below], share)


def _bands(height: int, cell: int = 1) -> Iterator[slice]:
    """Rows from top to bottom, about BAND at a time, in whole cells."""
    tall = max(1, BAND // cell) * cell
    for start in range(0, height, tall):
        yield slice(start, min(start + tall, height))


def _spread(values: Tensor, known: Tensor) -> Tensor:
    """Values [1, C, H, W] where `known` [1, 1, H, W], elsewhere a smooth continuation (push and pull, Gortler 1996)."""
    if known.all() or max(values.shape[-2:]) == 1:
        return values
    weight = known.float()
    share = avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
    mean = avg_pool2d(values * weight, 2, ceil_mode=True, count_include_pad=False) / share.clamp(min=1e-6)
    coarse = _spread(mean, share > 0)
    return torch.where(known, values, interpolate(coarse, size=values.shape[-2:], mode="bilinear"))


def rim(box: Box, picture: Box, width: int) -> Tensor:
    """Weights that join the whole of `box` to the picture around it: 0 at its edges but for those where the picture
    ends, rising to 1 over `width` pixels; float32 of the size of the box."""

    def ramp(length: int, before: bool, after: bool) -> Tensor:
        place = torch.arange(length, dtype=torch.float32)
        rise = ((place + 1) / (width + 1)).clamp(max=1.0)
        return (rise if before else torch.ones(length)) * (rise.flip(0) if after else torch.ones(length))

    down = ramp(box.height, box.y > picture.y, box.bottom < picture.bottom)
    across = ramp(box.width, box.x > picture.x, box.right < picture.right)
    return down[:, None] * across


def join(canvas: Tensor, new: Tensor, weight: Tensor, box: Box) -> None:
    """Puts `new`, as much as `weight` says, over what lies in `box` of the canvas. Pixels of weight 0 stay exactly."""
    below = cut(canvas, box)
    for rows in _bands(box.height):
        old, share = below[rows].float(), weight[rows, :, None]
        below[rows] = (old + share * (new[rows].float() - old)).round().to(torch.uint8)
