"""As much of OpenCV's arithmetic as published preprocessing relies on, to the last bit where it computes in integers.

Pictures are uint8 [H, W] or [H, W, C]; sizes are (height, width).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d

Size = tuple[int, int]
_RESIZE_BITS = 11  # OpenCV's fixed point for weights of bytes
_ONE = 1 << _RESIZE_BITS
_BLUR_BITS = 8


def resize_area(picture: Tensor, size: Size) -> Tensor:
    """INTER_AREA: every new pixel is the mean of what it covers. Unless both sides shrink, a bilinear variant."""
    if size == tuple(picture.shape[:2]):
        return picture
    shrinks = all(new <= old for new, old in zip(size, picture.shape[:2], strict=True))
    weights = _covered if shrinks else _blended
    values = picture.double()
    for axis, new in enumerate(size):
        values = torch.tensordot(weights(picture.shape[axis], new), values.movedim(axis, 0), dims=1).movedim(0, axis)
    return values.round().clamp(0, 255).to(torch.uint8)


def _covered(old: int, new: int) -> Tensor:
    """[new, old]: the share of each old pixel in a new one."""
    edges = torch.arange(new + 1, dtype=torch.float64) * old / new
    pixel = torch.arange(old, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixel + 1) - torch.maximum(edges[:-1, None], pixel)
    return overlap.clamp(min=0) * new / old


def _blended(old: int, new: int) -> Tensor:
    """[new, old]: two neighbours, the second only as far as the new pixel reaches into it."""
    weights = torch.zeros(new, old, dtype=torch.float64)
    for at in range(new):
        first = math.floor(at * old / new)
        share = (at + 1) - (first + 1) * new / old
        share = 0.0 if share <= 0 else share - math.floor(share)
        weights[at, min(first, old - 1)] += 1 - share
        weights[at, min(first + 1, old - 1)] += share
    return weights


def resize_linear(picture: Tensor, size: Size) -> Tensor:
    """INTER_LINEAR of one map [H, W]: half-pixel centres, no smoothing, weights in fixed point."""
    (top, bottom, upper, lower), (left, right, before, after) = map(_two_taps, picture.shape, size)
    rows = picture.long()[:, left] * before + picture.long()[:, right] * after
    above, below = ((rows[at] >> 4) * weight[:, None] >> 16 for at, weight in ((top, upper), (bottom, lower)))
    return ((above + below + 2) >> 2).clamp(0, 255).to(torch.uint8)


def _two_taps(old: int, new: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two old pixels that each new one lies between, and their weights."""
    centre = _centres(old, new)
    first = centre.floor()
    second = ((centre - first) * _ONE).round().long()
    at = first.long()
    return at.clamp(0, old - 1), (at + 1).clamp(0, old - 1), _ONE - second, second


def _centres(old: int, new: int) -> Tensor:
    return ((torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5).float()


def resize_lanczos(picture: Tensor, size: Size) -> Tensor:
    """INTER_LANCZOS4: eight neighbours along each axis, weights in fixed point."""
    values = picture.to(torch.int64)
    for axis, new in reversed(list(enumerate(size))):
        values = _gather_eight(values.movedim(axis, 0), new).movedim(0, axis)
    half = 1 << (2 * _RESIZE_BITS - 1)
    return ((values + half) >> (2 * _RESIZE_BITS)).clamp(0, 255).to(torch.uint8)


def _gather_eight(values: Tensor, new: int) -> Tensor:
    old = len(values)
    centre = _centres(old, new)
    first = centre.floor()
    weights = torch.stack([_lanczos(share) for share in (centre - first).tolist()])  # [new, 8]
    total = torch.zeros_like(values[:1].expand(new, *values.shape[1:]))
    for tap in range(8):
        neighbour = (first.long() + tap - 3).clamp(0, old - 1)
        total += weights[:, tap].reshape(-1, *(1,) * (values.dim() - 1)) * values[neighbour]
    return total


def _lanczos(share: float) -> Tensor:
    """Eight weights of sum 2048 (nearly) for a position `share` behind the fourth neighbour."""
    distances = [share + 3 - tap for tap in range(8)]
    if abs(distances[3]) < 1e-6:
        return torch.tensor([0, 0, 0, _ONE, 0, 0, 0, 0])
    raw = [math.sin(math.pi * d) * math.sin(math.pi * d / 4) / d**2 for d in distances]
    return torch.tensor([round(weight / sum(raw) * _ONE) for weight in raw])


def blur_floats(values: Tensor, sigma: float) -> Tensor:
    """GaussianBlur of a float map [H, W], kernel out to four sigma, edges mirrored."""
    kernel = _gaussian(_odd(8 * sigma + 1), sigma)
    return _separable(values.double(), kernel).float()


def blur_bytes(values: Tensor, sigma: float) -> Tensor:
    """GaussianBlur of a byte map [H, W], kernel out to three sigma and in eight bits that sum up to one."""
    exact, kept, error = _gaussian(_odd(6 * sigma + 1), sigma).tolist(), [], 0.0
    for weight in exact[: len(exact) // 2]:
        wanted = weight * (1 << _BLUR_BITS) + error
        kept.append(round(wanted))
        error = wanted - kept[-1]
    kernel = torch.tensor([*kept, (1 << _BLUR_BITS) - 2 * sum(kept), *reversed(kept)], dtype=torch.float64)
    total = _separable(values.double(), kernel).long()  # whole numbers, exact in float64
    return ((total + (1 << (2 * _BLUR_BITS - 1))) >> (2 * _BLUR_BITS)).clamp(0, 255).to(torch.uint8)


def _odd(size: float) -> int:
    return round(size) | 1


def _gaussian(size: int, sigma: float) -> Tensor:
    offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    kernel = (-(offsets**2) / (2 * sigma**2)).exp()
    return kernel / kernel.sum()


def _separable(values: Tensor, kernel: Tensor) -> Tensor:
    radius = len(kernel) // 2
    for shape, sides in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        values = conv2d(_mirrored(values, sides), kernel.view(shape))[0, 0]
    return values


def _mirrored(values: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    """Padded by its mirror image without repeating the border pixel, [1, 1, H', W']; small maps mirror repeatedly."""
    left, right, top, bottom = sides
    rows, columns = (_mirror_index(n, a, b) for n, a, b in zip(values.shape, (top, left), (bottom, right), strict=True))
    return values[rows][:, columns][None, None]


def _mirror_index(length: int, before: int, after: int) -> Tensor:
    period = max(1, 2 * (length - 1))
    at = torch.arange(-before, length + after).remainder(period)
    return torch.minimum(at, period - at)
