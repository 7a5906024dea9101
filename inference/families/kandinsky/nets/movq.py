"""MoVQ (Zheng et al. 2022, arXiv:2209.09002), the image autoencoder of Kandinsky 3.1, as diffusers' `VQModel`.

Kandinsky uses it without quantisation: latents are continuous, with no scaling factor and no sampling. It should run in
float32; the authors warn that half precision spoils it.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import VQModel
from torch import Tensor, nn

from inference.checkpoints.autoencoders import infer_config
from inference.checkpoints.shapes import Shapes

OFFICIAL_GROUPS = 32

MoVQConfig = dict[str, Any]


def infer_movq_config(shapes: Shapes, *, groups: int = OFFICIAL_GROUPS) -> MoVQConfig:
    """Keyword arguments of `VQModel` that give the parameter `shapes` (diffusers names); these do not tell `groups`."""
    return {**infer_config(shapes), "norm_num_groups": groups, "norm_type": "spatial"}


def build_movq(config: MoVQConfig) -> nn.Module:
    """A `VQModel` for `config` on the meta device, without codebook: the released file has none, nothing here asks."""
    with torch.device("meta"):
        movq = VQModel(**{**config, "num_vq_embeddings": 1})
    movq.quantize = nn.Identity()
    movq.requires_grad_(False)
    return movq.eval()  # type: ignore[no-any-return]


@torch.inference_mode()
def encode(movq: Any, images: Tensor) -> Tensor:
    """Latents [B, 4, H/8, W/8] float32 of `images` [B, 3, H, W] in [−1, 1], one at a time."""
    dtype = movq.quant_conv.weight.dtype
    return torch.cat([movq.encode(image[None].to(dtype)).latents.float() for image in images])


@torch.inference_mode()
def decode(movq: Any, latents: Tensor) -> Tensor:
    """Images [B, 3, 8h, 8w] float32, nominally in [−1, 1], of `latents` [B, 4, h, w].

    One picture at a time: at 1024² the attention in the middle alone works on 16,384 positions a picture.
    """
    dtype = movq.post_quant_conv.weight.dtype
    return torch.cat([movq.decode(z[None].to(dtype), force_not_quantize=True).sample.float() for z in latents])
