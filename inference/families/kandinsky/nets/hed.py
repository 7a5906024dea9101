"""HED (Xie and Tu 2015, arXiv:1504.06375), the edge detector that drawings for the outline modes come from.

The net and what surrounds it are those of the annotator "ControlNetHED" (github.com/huggingface/controlnet_aux); names
are the released ones. Five blocks of a VGG each give an edge map at half the size of the one before.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, relu

from inference.checkpoints.shapes import Shapes, count_children
from inference.engine.finite import NotFinite
from inference.families.kandinsky.nets.opencv import blur_bytes, blur_floats, resize_area, resize_lanczos, resize_linear

BLOCKS = 5
SIDE_STEP = 64
THIN_SIGMA, THIN_THRESHOLD, INK = 3.0, 127, 4

Variant = Literal["soft", "safe", "scribble"]


class HED(nn.Module):
    """`channels` and `convs` tell the width and the number of convolutions of each block."""

    def __init__(self, channels: list[int], convs: list[int]) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        for number, (ins, outs, count) in enumerate(zip([3, *channels], channels, convs, strict=False), 1):
            self.add_module(f"block{number}", _Block(ins, outs, count))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Edge logits [B, 1, H/2^i, W/2^i] of five blocks for `pixels` [B, 3, H, W] from 0 to 255."""
        h = pixels - self.norm
        logits = []
        for number, block in enumerate(self.children()):
            h = block(max_pool2d(h, 2) if number else h)
            logits.append(block.projection(h))  # type: ignore[operator]
        return logits


class _Block(nn.Module):
    def __init__(self, ins: int, outs: int, count: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(outs if n else ins, outs, 3, padding=1) for n in range(count))
        self.projection = nn.Conv2d(outs, 1, 1)

    def forward(self, h: Tensor) -> Tensor:
        for conv in self.convs:
            h = relu(conv(h))
        return h


def build_hed(shapes: Shapes) -> nn.Module:
    """The net with the parameter `shapes` on the meta device."""
    blocks = range(1, BLOCKS + 1)
    channels = [shapes[f"block{block}.projection.weight"][1] for block in blocks]
    with torch.device("meta"):
        net = HED(channels, [count_children(shapes, f"block{block}.convs.") for block in blocks])
    return net.requires_grad_(False).eval()


@torch.inference_mode()
def edge_logits(hed: Any, picture: Tensor) -> list[Tensor]:
    """What the five blocks answer for `picture`, uint8 [H, W, 3]: float32 [1, 1, H/2^i, W/2^i]."""
    pixels = picture.to(hed.norm.device).permute(2, 0, 1)[None].to(hed.norm.dtype)
    return [logit.float() for logit in hed(pixels)]


def outline(hed: Any, picture: Tensor, variant: Variant = "soft") -> Tensor:
    """Edges of a picture, uint8 [H, W, 3], at its own size: uint8 [H, W] on the CPU, 255 on an edge.

    "safe" knows but three strengths; "scribble" has thick strokes of pure white. Raises ValueError for pictures with a
    side under 16 pixels, of which the last block would see nothing.
    """
    edges = edge_map(hed, picture, quantised=variant == "safe")
    return thick_strokes(edges) if variant == "scribble" else edges


def edge_map(hed: Any, picture: Tensor, *, quantised: bool = False) -> Tensor:
    """The soft edge map, uint8 [H, W]: the sigmoid of the mean of all five answers; of three strengths if
    `quantised`. Raises NotFinite."""
    height, width = picture.shape[:2]
    if min(height, width) < 2 ** (BLOCKS - 1):
        raise ValueError(f"a picture of {width}×{height} pixels is too small to find edges in")
    logits = [interpolate(it, (height, width), mode="bilinear") for it in edge_logits(hed, picture)]
    # numpy's way over the last axis, in float32: where ×255 falls on a whole number, the last bit decides.
    mean = np.mean(np.stack([logit[0, 0].cpu().numpy() for logit in logits], axis=2), axis=2)
    if not np.isfinite(mean).all():
        raise NotFinite("hed_detector", hed.norm.dtype)
    edges = 1 / (1 + np.exp(-mean.astype(np.float64)))
    if quantised:
        edges = np.floor(edges.astype(np.float32) * 3) / 2
    return torch.from_numpy((edges * 255).clip(0, 255).astype(np.uint8))


def thick_strokes(edges: Tensor) -> Tensor:
    """A scribble from an edge map, uint8 [H, W]: ridges thinned out, blurred and everything inked made white."""
    blurred = blur_floats(edges.float(), THIN_SIGMA)
    ridges = _ridges(blurred)
    ink = blur_bytes(torch.where(ridges & (blurred > THIN_THRESHOLD), 255, 0), THIN_SIGMA)
    return torch.where(ink > INK, 255, 0).to(torch.uint8)


def _ridges(values: Tensor) -> Tensor:
    """Where a value is the largest of the three in at least one of four directions."""
    height, width = values.shape
    around = nn.functional.pad(values[None, None], (1, 1, 1, 1), value=-torch.inf)[0, 0]

    def moved(dy: int, dx: int) -> Tensor:
        return around[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    highest = torch.zeros_like(values, dtype=torch.bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        highest |= (values >= moved(dy, dx)) & (values >= moved(-dy, -dx))
    return highest


def published_size(height: int, width: int, resolution: int) -> tuple[int, int]:
    """Height and width that the annotator works at: the shorter side `resolution`, both rounded (half to even) to
    multiples of 64."""
    scale = resolution / min(height, width)
    return tuple(round(side * scale / SIDE_STEP) * SIDE_STEP for side in (height, width))  # type: ignore[return-value]


def resized_as_published(picture: Tensor, resolution: int) -> Tensor:
    """`picture`, uint8 [H, W, 3], at that size: enlarged by Lanczos, made smaller by area."""
    height, width = picture.shape[:2]
    size = published_size(height, width, resolution)
    return (resize_lanczos if resolution > min(height, width) else resize_area)(picture, size)


def published_map(
    hed: Any, picture: Tensor, variant: Variant = "soft", detect_resolution: int = 512, image_resolution: int = 512
) -> Tensor:
    """What the annotator answers: edges found at one size, stretched to the other; uint8 [H', W']."""
    resized = resized_as_published(picture, detect_resolution)
    edges = edge_map(hed, resized, quantised=variant == "safe")
    edges = resize_linear(edges, published_size(resized.shape[0], resized.shape[1], image_resolution))
    return thick_strokes(edges) if variant == "scribble" else edges
