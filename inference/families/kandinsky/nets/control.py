"""Nets that hold a picture to outlines or depth (Zhang et al. 2023, arXiv:2302.05543), as Kandinsky 3 has them
(github.com/ai-forever/kandinsky3-diffusers).

Two generations: the HED one is a whole U-Net that takes a hint in after its first convolution (`graft_stem`); the
second one, for depth and scribbles, is a copy of the U-Net's front (`ControlNet`) whose outputs are added to the skips
of an untouched U-Net. All of it under the names of the release after the U-Net's own renaming
(`checkpoints.keys.unet_to_diffusers`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from inference.checkpoints.shapes import Shapes, count_children
from inference.families.kandinsky.nets.unet import (
    OFFICIAL_GROUPS,
    OFFICIAL_HEAD_DIM,
    UNetConfig,
    attention_bias,
    build_unet,
    check_latent_size,
    embed_time,
    infer_unet_config,
)

HINT_SCALE = 8  # pixels of a hint to one of a latent
STEM = "input_hint_block."


class HintStem(nn.Module):
    """Seven 3×3 convolutions with SiLU, three of them halving the size, and an eighth to the U-Net's first width."""

    def __init__(self, shapes: Shapes, prefix: str = STEM) -> None:
        """With the widths of `shapes`, where the stem's names begin with `prefix`."""
        super().__init__()
        self._last = count_children(shapes, f"{prefix}conv")
        for number in range(1, self._last + 1):
            wide, narrow = shapes[f"{prefix}conv{number}.weight"][:2]
            stride = 2 if number in (3, 5, 7) else 1
            self.add_module(f"conv{number}", nn.Conv2d(narrow, wide, 3, padding=1, stride=stride))
        self.out = nn.Conv2d(wide, shapes[f"{prefix}out.weight"][0], 3, padding=1)

    def forward(self, hint: Tensor) -> Tensor:
        """Features [B, C, h, w] of a hint [B, 3, 8h, 8w]."""
        features = hint.to(self.out.weight.device, self.out.weight.dtype)
        for number in range(1, self._last + 1):
            features = silu(self.get_submodule(f"conv{number}")(features))
        return self.out(features)  # type: ignore[no-any-return]


class ControlNet(nn.Module):
    """The front of a U-Net with a hint stem and a 1×1 convolution behind every level. See `control_residuals`."""

    def __init__(self, front: Any, shapes: Shapes) -> None:
        super().__init__()
        levels = count_children(shapes, "convs.")
        self.time_proj = front.time_proj
        self.time_embedding = front.time_embedding
        self.add_time_condition = front.add_time_condition
        self.conv_in = front.conv_in
        self.down_blocks = front.down_blocks[:levels]
        self.input_hint_block = HintStem(shapes)
        self.convs = nn.ModuleList()
        for level in range(levels):
            width, _, kernel, _ = shapes[f"convs.{level}.weight"]
            self.convs.append(nn.Conv2d(width, width, kernel, padding=kernel // 2))


def infer_control_config(
    shapes: Shapes, *, groups: int = OFFICIAL_GROUPS, head_dim: int = OFFICIAL_HEAD_DIM
) -> UNetConfig:
    """Configuration of the U-Net whose front a ControlNet with these parameter `shapes` is.

    The deepest level is not in the file; whatever stands for it is never built.
    """
    config = infer_unet_config(shapes, groups=groups, head_dim=head_dim)
    widths = config["block_out_channels"]
    return {**config, "block_out_channels": [*widths, widths[-1]]}


def build_control(shapes: Shapes, *, groups: int = OFFICIAL_GROUPS, head_dim: int = OFFICIAL_HEAD_DIM) -> ControlNet:
    """A ControlNet with the parameter `shapes` (names of diffusers) on the meta device."""
    front = build_unet(infer_control_config(shapes, groups=groups, head_dim=head_dim))
    with torch.device("meta"):
        return ControlNet(front, shapes).requires_grad_(False).eval()


def graft_stem(unet: Any, shapes: Shapes) -> None:
    """Adds a hint stem of these `shapes` to a U-Net on the meta device: the HED net. Without a hint it is unchanged."""
    with torch.device("meta"):
        unet.input_hint_block = HintStem(shapes)
    unet.requires_grad_(False)


@torch.inference_mode()
def hint_features(net: Any, hint: Tensor, latent_size: tuple[int, int]) -> Tensor:
    """What the stem of a HED U-Net or a ControlNet makes of `hint` [B, 3, 8h, 8w]: [B, C, h, w] in its dtype.

    Raises ValueError unless the hint is exactly eight times the latent's (height, width).
    """
    wanted = tuple(HINT_SCALE * side for side in latent_size)
    if tuple(hint.shape[-2:]) != wanted:
        raise ValueError(f"the hint must be {wanted[0]}×{wanted[1]} pixels, not {hint.shape[-2]}×{hint.shape[-1]}")
    features: Tensor = net.input_hint_block(hint)
    return features


def control_residuals(
    control: Any,
    x: Tensor,
    t: Tensor,
    context: Tensor,
    mask: Tensor,
    pool_len: Tensor,
    features: Tensor,
    scale: Tensor,
) -> tuple[Tensor, ...]:
    """What a ControlNet adds to the skips of the U-Net, from the highest level down: [N, C_l, h_l, w_l] each.

    `x`, `t`, `context`, `mask` and `pool_len` as the U-Net gets them, `features` [N or 1, C, h, w] of its own stem,
    `scale` [N] how strongly it holds each row.
    """
    check_latent_size(x)
    dtype = control.conv_in.weight.dtype
    x, context = x.to(dtype), context.to(dtype)
    bias = attention_bias(mask, dtype)
    embedding = embed_time(control, t, context, bias, pool_len)
    scale = scale.to(x.device, dtype, non_blocking=True)[:, None, None, None]
    h = control.conv_in(x) + features
    residuals = []
    for block, conv in zip(control.down_blocks, control.convs, strict=True):
        h = conv(block(h, embedding, context, bias))  # the convolved one goes on, unlike in other ControlNets
        residuals.append(scale * h)
    return tuple(residuals)
