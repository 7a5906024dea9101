"""Very small random nets with an IP-Adapter or a hint stem on them, and a ControlNet to match."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import torch
from torch import nn

from inference.checkpoints.shapes import Shapes, shapes_of
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.nets.control import ControlNet, build_control, graft_stem
from inference.families.kandinsky.nets.ip_adapter import graft_adapter
from inference.families.kandinsky.nets.unet import build_unet
from tests.inference.tiny import UNET, WIDTH

EMBEDDING, TOKENS = 12, 4
STEM_WIDTHS = (3, 8, 8, 12, 12, 16, 16, 24)
ADAPTER_SHAPES: Shapes = {"image_proj.weight": (TOKENS * WIDTH, EMBEDDING), "image_norm.weight": (WIDTH,)}


def stem_shapes() -> dict[str, tuple[int, ...]]:
    convs = {f"input_hint_block.conv{n}.weight": (b, a, 3, 3) for n, (a, b) in enumerate(pairwise(STEM_WIDTHS), 1)}
    return {**convs, "input_hint_block.out.weight": (UNET["block_out_channels"][0] // 2, STEM_WIDTHS[-1], 3, 3)}


def control_shapes(kernel: int = 1) -> dict[str, tuple[int, ...]]:
    """Those of a ControlNet on the front of the tiny U-Net."""
    kept = ("time_embedding.", "add_time_condition.", "conv_in.", *(f"down_blocks.{level}." for level in range(3)))
    front = {name: shape for name, shape in shapes_of(build_unet(UNET).state_dict()).items() if name.startswith(kept)}
    widths = UNET["block_out_channels"]
    convs = {f"convs.{level}.weight": (widths[level], widths[level], kernel, kernel) for level in range(3)}
    return {**front, **convs, **stem_shapes()}


@cache
def plain_unet(seed: int = 1) -> nn.Module:
    return filled(build_unet(UNET), seed)


def adapted_unet(seed: int = 1) -> nn.Module:
    """The U-Net of `plain_unet` with an adapter."""
    unet = build_unet(UNET)
    graft_adapter(unet, ADAPTER_SHAPES)
    filled(unet, seed + 100).load_state_dict(plain_unet(seed).state_dict(), strict=False)
    return unet


def hed_unet(seed: int = 1) -> nn.Module:
    """The U-Net of `plain_unet` with a hint stem."""
    unet = build_unet(UNET)
    graft_stem(unet, stem_shapes())
    filled(unet, seed + 100).load_state_dict(plain_unet(seed).state_dict(), strict=False)
    return unet


def control_net(seed: int = 5, kernel: int = 1) -> ControlNet:
    dims = {"groups": UNET["groups"], "head_dim": UNET["attention_head_dim"]}
    net = build_control(control_shapes(kernel), **dims)
    filled(net, seed)
    return net


def filled(net: nn.Module, seed: int) -> nn.Module:
    """Random weights for a net on the meta device, none of them zero as at the start of a training."""
    net.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=generator)
        elif name.endswith("weight"):
            nn.init.ones_(parameter)
        else:
            nn.init.normal_(parameter, std=0.1, generator=generator)
    return net


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def text(length: int, seed: int) -> Context:
    """A context of one row with its masked last row."""
    rows, mask = draw(1, length + 1, WIDTH, seed=seed), torch.ones(1, length + 1, dtype=torch.int64)
    rows[:, -1], mask[:, -1] = 0, 0
    return Context(rows, mask, torch.tensor([length + 1]))
