"""A linear map from latents to colours, for cheap looks at a picture that is still being drawn.

Each latent position becomes one pixel. The map is fitted once per MoVQ by least squares on pairs of (latents of a few
synthetic pictures, the same pictures at an eighth of the size); the pictures are fixed, so the map is a function of the
weights alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from inference.engine.previews import to_uint8
from inference.families.kandinsky.nets.movq import encode

PICTURES = 8
SIDE = 128
FACTOR = 8
RIDGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """`weight` [3, 4] and `bias` [3], float32: colour = weight·latent + bias, in [−1, 1]."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x0: Tensor) -> Tensor:
        """Colours uint8 [B, 3, h, w] of the latents `x0` [B, 4, h, w]: the picture at an eighth of its size."""
        colours = torch.einsum("rc,bchw->brhw", self.weight, x0.float()) + self.bias.view(1, 3, 1, 1)
        return to_uint8(colours)


def _pictures() -> Tensor:
    """Flat patches over soft gradients in every colour: [PICTURES, 3, SIDE, SIDE] in [−1, 1], always the same."""
    generator = torch.Generator().manual_seed(0)

    def coarse(cells: int, mode: str) -> Tensor:
        grid = torch.rand(PICTURES, 3, cells, cells, generator=generator) * 2 - 1
        return interpolate(grid, size=(SIDE, SIDE), mode=mode)

    patches, mask = coarse(8, "nearest"), coarse(6, "nearest")[:, :1] > 0
    return torch.where(mask, patches, coarse(4, "bilinear"))


@torch.inference_mode()
def fit_preview(movq: Any) -> Preview:
    """The map for `movq`, on its device. Costs eight encodings of 128×128 pixels."""
    pictures = _pictures().to(movq.quant_conv.weight.device)
    latents = encode(movq, pictures)
    colours = avg_pool2d(pictures, FACTOR)
    known = _columns(torch.cat([latents, torch.ones_like(latents[:, :1])], dim=1))  # [5, N]
    wanted = _columns(colours)  # [3, N]
    gram = known @ known.T / known.shape[1] + RIDGE * torch.eye(len(known), dtype=known.dtype)
    fitted = torch.linalg.solve(gram, known @ wanted.T / known.shape[1]).T.float().to(latents.device)  # [3, 5]
    return Preview(fitted[:, :-1].contiguous(), fitted[:, -1].contiguous())


def _columns(maps: Tensor) -> Tensor:
    """[B, C, h, w] as float64 [C, B·h·w] on the CPU."""
    return maps.transpose(0, 1).flatten(1).double().cpu()
