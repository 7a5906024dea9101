"""What Emojich makes of a picture: a sticker, 512×512 pixels with a transparent ground.

Where the net is sure of itself the sticker is what it sees; otherwise the ground is what is nearly white, in as few
pieces as published (github.com/ai-forever/ru-dalle). Pictures are uint8 [H, W, 3] on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inference.engine.finite import finite
from inference.families.emojich.contours import Mask, fill, find_contours, stroke
from inference.families.emojich.nets import UNet

SIDE = 512
SURE = 0.99  # mean probability of the likelier class from which on the net is believed
WHITE = 240  # from which on a channel is nearly white
PIECES = 7  # of the ground, those with the longest borders


@dataclass(frozen=True, slots=True, eq=False)
class Sticker:
    """`pixels` are uint8 [512, 512, 4], opaque or not at all; `way` says who found the ground, the net or whiteness."""

    pixels: Tensor
    way: Literal["unet", "classic"]


def cut_out(net: UNet, picture: Tensor, *, sure: float = SURE) -> Sticker:
    """A sticker of a picture, which is stretched to a square. Raises NotFinite."""
    square = stretched(picture)
    seen, probability = what_is_seen(net, square)
    if probability > sure:
        return _sticker(square, seen, "unet")
    return _sticker(square, ~torch.from_numpy(white_ground(square.numpy())), "classic")


def stretched(picture: Tensor) -> Tensor:
    """A picture as a square of the size of a sticker."""
    return torch.from_numpy(np.array(Image.fromarray(picture.numpy()).resize((SIDE, SIDE), Image.Resampling.BICUBIC)))


def _sticker(square: Tensor, seen: Tensor, way: Literal["unet", "classic"]) -> Sticker:
    return Sticker(torch.cat([square, seen[:, :, None].to(torch.uint8) * 255], 2), way)


@torch.inference_mode()
def what_is_seen(net: UNet, picture: Tensor) -> tuple[Tensor, float]:
    """Where the net sees something, bool [H, W] on the CPU, and how probable the likelier class is to it on average.
    Sides of the picture are multiples of 32. Raises NotFinite."""
    weight = next(net.parameters())
    pixels = (picture.permute(2, 0, 1)[None].float() / 255).to(weight)
    logits = finite(net(pixels)[0].float(), "emojich", weight.dtype)
    probability, likelier = logits.softmax(0).max(0)
    return (likelier == 1).cpu(), probability.mean().item()


def white_ground(picture: NDArray[np.uint8]) -> Mask:
    """The nearly white ground of a picture [H, W, 3], with a rim two pixels wide: bool [H, W]."""
    white: Mask = np.logical_and.reduce(picture >= WHITE, axis=2)
    contours = sorted(find_contours(white), key=len)[-PIECES:]
    size = picture.shape[0], picture.shape[1]
    return fill(contours, size) | stroke(contours, size)
