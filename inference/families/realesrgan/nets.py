"""RRDBNet, the generator of Real-ESRGAN (Wang et al. 2021, arXiv:2107.10833; the net is that of ESRGAN,
arXiv:1809.00219). Names are the released ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_unshuffle

from inference.checkpoints.shapes import Shapes, count_children

SLOPE = 0.2  # of the leaky rectifiers
RESIDUAL = 0.2  # the share of what a block computes that is added to what it was given
DENSE, INNER = 5, 3  # convolutions of a dense block, dense blocks of a residual one

_FOLDS = {3: 1, 12: 2}  # by the channels of the first convolution: how many pixels a side become one


class RRDBNet(nn.Module):
    """`fold` pixels a side become one before the first layer, each of `ups` layers doubles the sides at the end."""

    def __init__(self, *, features: int, grow: int, blocks: int, fold: int, ups: int) -> None:
        super().__init__()
        self.fold, self.ups = fold, ups
        self.conv_first = _conv(3 * fold**2, features)
        self.body = nn.Sequential(*(_Residual(features, grow) for _ in range(blocks)))
        self.conv_body = _conv(features, features)
        for number in range(1, ups + 1):
            self.add_module(f"conv_up{number}", _conv(features, features))
        self.conv_hr = _conv(features, features)
        self.conv_last = _conv(features, 3)

    @property
    def scale(self) -> int:
        """How many times wider and taller pictures become."""
        return int(2**self.ups) // self.fold

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, H·scale, W·scale] for `pixels` [B, 3, H, W] from 0 to 1; sides are multiples of `fold`."""
        h = self.conv_first(pixel_unshuffle(pixels, self.fold))
        h = h + self.conv_body(self.body(h))
        for number in range(1, self.ups + 1):
            conv = self.get_submodule(f"conv_up{number}")
            h = leaky_relu(conv(interpolate(h, scale_factor=2, mode="nearest")), SLOPE)
        enlarged: Tensor = self.conv_last(leaky_relu(self.conv_hr(h), SLOPE))
        return enlarged


class _Residual(nn.Module):
    def __init__(self, features: int, grow: int) -> None:
        super().__init__()
        for number in range(1, INNER + 1):
            self.add_module(f"rdb{number}", _Dense(features, grow))

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for dense in self.children():
            h = dense(h)
        return x + RESIDUAL * h


class _Dense(nn.Module):
    """Each convolution sees what was given and what all before it have computed."""

    def __init__(self, features: int, grow: int) -> None:
        super().__init__()
        for number in range(1, DENSE + 1):
            self.add_module(
                f"conv{number}", _conv(features + (number - 1) * grow, grow if number < DENSE else features)
            )

    def forward(self, x: Tensor) -> Tensor:
        *convs, last = self.children()
        h = x
        for conv in convs:
            h = torch.cat([h, leaky_relu(conv(h), SLOPE)], 1)
        residual: Tensor = last(h)
        return x + RESIDUAL * residual


def _conv(ins: int, outs: int) -> nn.Conv2d:
    return nn.Conv2d(ins, outs, 3, padding=1)


def build_rrdbnet(shapes: Shapes) -> RRDBNet:
    """The net with the parameter `shapes` on the meta device. Raises KeyError for those of another net."""
    features, ins = shapes["conv_first.weight"][:2]
    with torch.device("meta"):
        return RRDBNet(
            features=features,
            grow=shapes["body.0.rdb1.conv1.weight"][0],
            blocks=count_children(shapes, "body."),
            fold=_FOLDS[ins],
            ups=sum(name.startswith("conv_up") and name.endswith(".weight") for name in shapes),
        )
