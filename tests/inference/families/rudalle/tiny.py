"""Decoders and a codec of tiny dimensions with random weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from inference.families.rudalle.nets.decoder import Decoder, DecoderConfig
from inference.families.rudalle.nets.layout import Layout
from inference.families.rudalle.nets.vqgan import build_vqgan

V3 = Layout(text=5, grid=3, last_kernel=3)
V2 = Layout(text=5, grid=3, last_kernel=3, shifted=True)
RUDOLPH = Layout(text=5, grid=3, right=6, kernel=3, last_kernel=5)
LAYOUTS = {"v3": V3, "v2": V2, "rudolph": RUDOLPH}
TEXT = (2, 9, 7, 3, 0)
CODES = 13


def decoder(layout: Layout, seed: int = 0) -> Any:
    config = DecoderConfig(layout, layers=5, heads=2, width=16, text_vocabulary=24, picture_vocabulary=CODES)
    torch.manual_seed(seed)
    return Decoder(config).requires_grad_(False).eval()


def sequences(layout: Layout, rows: int, seed: int = 1) -> Tensor:
    """What might be fed, [rows, S]: texts with empty places, and codes."""
    lot = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, CODES, (rows, layout.positions), generator=lot)
    ids[:, layout.text - 1] = 0
    if layout.shifted:
        ids[:, 0] = 2
    return ids


def vqgan(out_channels: int = 3) -> Any:
    torch.manual_seed(2)
    net = build_vqgan(
        {
            "quantize.embed.weight": (CODES, 4),
            "quantize.proj.weight": (CODES, 4, 1, 1),
            "post_quant_conv.weight": (4, 4, 1, 1),
            "encoder.conv_in.weight": (32, 3, 3, 3),
            "decoder.conv_in.weight": (32, 4, 3, 3),
            "decoder.conv_out.weight": (out_channels, 32, 3, 3),
            **{
                f"decoder.up_blocks.{level}.resnets.{n}.conv2.weight": (32, 32, 3, 3)
                for level in range(4)
                for n in (0, 1)
            },
        }
    ).to_empty(device="cpu")
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.2)
    return net
