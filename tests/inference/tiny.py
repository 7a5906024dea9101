"""A whole checkpoint of very small random nets in the studio's layout: the real classes, made in a moment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import T5Config, T5EncoderModel

from inference.engine.nets import Nets
from inference.engine.policy import device_policy
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.kit import CheckpointKit
from inference.families.kandinsky.nets.movq import build_movq
from inference.families.kandinsky.nets.unet import build_unet

TOKENIZER = Path(__file__).parent.parent / "golden" / "tokenizer_tiny"
WIDTH = 32
UNET: dict[str, Any] = {
    "in_channels": 4,
    "time_embedding_dim": 32,
    "groups": 4,
    "attention_head_dim": 8,
    "layers_per_block": 2,
    "block_out_channels": [16, 16, 16, 16],
    "cross_attention_dim": WIDTH,
}
MOVQ: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"] * 3 + ["AttnDownEncoderBlock2D"],
    "up_block_types": ["AttnUpDecoderBlock2D"] + ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [32, 32, 32, 32],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "norm_type": "spatial",
    "vq_embed_dim": 4,
}


def write_checkpoint(folder: Path) -> Path:
    """Writes the checkpoint of both modes into `folder` and returns it."""
    torch.manual_seed(11)
    for name, projection in (("kandinsky3", "projection"), ("kandinsky3_flash", "projection_flash")):
        unet = _drawn(build_unet(UNET))
        tensors = {f"unet.{key}": tensor for key, tensor in unet.state_dict().items()}
        save_file({**tensors, "null_embedding": torch.randn(WIDTH)}, folder / f"{name}.safetensors")
        weights = {
            "0.weight": torch.randn(WIDTH, WIDTH) / WIDTH**0.5,
            "1.weight": torch.ones(WIDTH),
            "1.bias": torch.zeros(WIDTH),
        }
        save_file(weights, folder / f"{projection}.safetensors")
    save_file(_drawn(build_movq(MOVQ)).state_dict(), folder / "movq.safetensors")
    shutil.copytree(TOKENIZER, folder / "text_encoder")
    text = T5Config(
        vocab_size=4096,  # no less than the tokenizer's
        d_model=WIDTH,
        d_ff=64,
        d_kv=8,
        num_heads=4,
        num_layers=2,
        feed_forward_proj="gated-silu",
        is_encoder_decoder=False,
    )
    T5EncoderModel(text).save_pretrained(folder / "text_encoder")
    (folder / "manifest.json").write_text(json.dumps({"configs": {"unet": UNET, "movq": MOVQ}}))
    return folder


class OneKit(CheckpointKit):
    """The kit over a checkpoint on the CPU in float32, alone with its `nets`."""

    def __init__(self, checkpoint: Checkpoint, nets: Nets | None = None, **options: Any) -> None:
        policy = device_policy("cpu")
        self.nets = nets or Nets(policy.device)
        super().__init__(checkpoint, policy, self.nets, **options)


class TinyKit(OneKit):
    """The same over a checkpoint that `write_checkpoint` wrote."""

    def __init__(self, folder: Path, nets: Nets | None = None, **options: Any) -> None:
        super().__init__(Checkpoint.open(folder), nets, **options)


def _drawn(net: nn.Module) -> nn.Module:
    """Weights where there were none: large enough that text and timestep matter, small enough that nothing explodes."""
    net.to_empty(device="cpu")
    for name, parameter in net.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=(1.0 / parameter[0].numel()) ** 0.5)
        elif name.endswith("weight"):
            nn.init.ones_(parameter)
        else:
            nn.init.normal_(parameter, std=0.1)
    return net
