"""Nets of a chosen size with random weights, and the files they would be released in: speed does not ask for talent."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import Kandinsky3UNet, VQModel
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from inference.families.kandinsky.files.convert import convert
from inference.families.kandinsky.files.keys import movq_to_official, projection_to_official, unet_to_official
from inference.families.kandinsky.files.store import EMBEDDED, locate

TEXT_WIDTH = 512
# 82 M parameters at channels 64, 329 M at channels 128 with twice the other widths.
UNET: dict[str, Any] = {
    "in_channels": 4,
    "time_embedding_dim": 256,
    "groups": 32,
    "attention_head_dim": 64,
    "layers_per_block": 3,
    "block_out_channels": (64, 128, 256, 512),
    "cross_attention_dim": 512,
    "encoder_hid_dim": TEXT_WIDTH,
}
LARGE_UNET: dict[str, Any] = {
    **UNET,
    "time_embedding_dim": 512,
    "block_out_channels": (128, 256, 512, 1024),
    "cross_attention_dim": 1024,
}
MOVQ: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
    "up_block_types": ("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (32, 64, 64, 128),
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "norm_type": "spatial",
    "vq_embed_dim": 4,
}
TEXT: dict[str, Any] = {
    "d_model": TEXT_WIDTH,
    "d_ff": 2 * TEXT_WIDTH,
    "d_kv": 64,
    "num_heads": 8,
    "num_layers": 6,
    "feed_forward_proj": "gated-gelu",
    "is_encoder_decoder": False,
}
_PROJECTION = "encoder_hid_proj."


@dataclass(frozen=True)
class Nets:
    """The nets as diffusers and transformers know them, in float32, and the folder of their tokenizer."""

    unet: Any
    movq: Any
    encoder: Any
    tokenizer: Path


def mid_size_nets() -> Nets:
    """A U-Net of 82 M parameters, a MoVQ from 32 channels up, a T5 encoder of six layers; always the same weights."""
    torch.manual_seed(0)
    tokenizer = locate(EMBEDDED).tokenizer
    assert tokenizer is not None
    encoder = T5EncoderModel(T5Config(vocab_size=4096, **TEXT))
    nets = Nets(Kandinsky3UNet(**UNET), VQModel(**MOVQ), encoder, tokenizer)
    for net in (nets.unet, nets.movq, nets.encoder):
        net.eval().requires_grad_(False)
    return nets


def write_checkpoint(nets: Nets, folder: Path) -> Path:
    """The nets in the studio's own layout, float32; base and Flash share the U-Net. Returns where they are."""
    released, ours = folder / "released", folder / "ours"
    text = released / "flan_ul2_encoder"
    text.mkdir(parents=True)
    write_unet(nets.unet, released / "kandinsky3.pt", text / "projection.pt")
    (released / "kandinsky3_flash.pt").hardlink_to(released / "kandinsky3.pt")
    (text / "projection_flash.pt").hardlink_to(text / "projection.pt")
    torch.save(movq_to_official(nets.movq.state_dict()), released / "movq.pt")
    nets.encoder.save_pretrained(text)
    for path in nets.tokenizer.iterdir():
        if path.name in ("spiece.model", "tokenizer_config.json"):
            shutil.copyfile(path, text / path.name)
    convert(released, ours, torch.float32, report=lambda line: None)
    shutil.rmtree(released)
    return ours


def write_unet(unet: Any, path: Path, projection: Path) -> None:
    """A U-Net as Kandinsky 3.1 releases it: official names, its null embedding beside it, its projection apart.

    The null embedding is zero, which is the empty prompt of diffusers' pipeline.
    """
    state: dict[str, Tensor] = unet.state_dict()
    inside = {name.removeprefix(_PROJECTION): value for name, value in state.items() if name.startswith(_PROJECTION)}
    rest = {name: value for name, value in state.items() if not name.startswith(_PROJECTION)}
    null = torch.zeros(1, 1, unet.config.cross_attention_dim)
    torch.save({"unet": unet_to_official(rest), "null_embedding": null}, path)
    torch.save(projection_to_official(inside), projection)
