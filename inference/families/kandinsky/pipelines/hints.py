"""Pictures that say where outlines run or how far things are, as the control nets read them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from inference.families.kandinsky.compositing import covering

LEAST_CONTRAST = 24  # of a line against its background, in grey levels: less is the paper


def hint_of(grey: Tensor, levels: tuple[float, float]) -> Tensor:
    """The hint [1, 3, H, W], float32, of a grey picture, uint8 [H, W]; `levels` are what black and white become."""
    black, white = levels
    return (grey.float() / 255 * (white - black) + black).expand(1, 3, -1, -1).contiguous()


def drawn_map(picture: Tensor, kind: Literal["hed", "depth", "scribble"], width: int, height: int) -> Tensor:
    """A ready map, uint8 [H, W], from a picture that is one: white lines on black, or depth with white near.

    The picture is scaled to cover width x height and its middle is taken. Lines may be dark on light or light on dark,
    on paper of any shade; those of a scribble become plain white.
    """
    grey = luminance(covering(picture, width, height))
    if kind == "depth":
        return grey
    lines = lines_on_black(grey)
    return torch.where(lines > line_threshold(lines), 255, 0).to(torch.uint8) if kind == "scribble" else lines


def luminance(picture: Tensor) -> Tensor:
    """Brightness by ITU-R BT.601, uint8 [H, W], of a picture, uint8 [H, W, 3]."""
    return (picture.float() @ torch.tensor([0.299, 0.587, 0.114])).round().to(torch.uint8)


def lines_on_black(grey: Tensor) -> Tensor:
    """How far each pixel stands out from the background, uint8 [H, W]: light lines on black.

    The median is the background's shade, for lines cover less than half of a drawing.
    """
    shades = grey.int()
    background = int(shades.median())
    return (shades - background if background < 128 else background - shades).clamp(0, 255).to(torch.uint8)


def line_threshold(lines: Tensor) -> int:
    """The level above which a pixel belongs to a line: Otsu's (1979), which splits the levels into the two groups that
    differ most, but never below the least contrast."""
    counts = torch.bincount(lines.flatten().int(), minlength=256).double()  # [256]
    below = counts.cumsum(0)
    above = below[-1] - below
    weighed = (counts * torch.arange(256)).cumsum(0)
    apart = weighed / below.clamp_min(1) - (weighed[-1] - weighed) / above.clamp_min(1)  # between the two means
    return max(LEAST_CONTRAST, int((below * above * apart**2).argmax()))
