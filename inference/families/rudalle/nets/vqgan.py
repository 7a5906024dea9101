"""Sber VQ-GAN, the picture codec of ruDALL-E and RUDOLPH: a picture is a grid of codes, one for 8×8 pixels.

VQ-GAN (Esser et al. 2021, arXiv:2012.09841) with a codebook of the Gumbel kind, as diffusers' `VQModel`. In the variant
whose decoder answers in wavelets (Haar) a picture comes out twice as large. It should run in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import VQModel
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from inference.checkpoints.autoencoders import infer_config
from inference.checkpoints.shapes import Shapes

CODE_PIXELS = 8
_BANDS = 4  # of a wavelet transform: low both ways, high across, high down, high both ways


class Codebook(nn.Module):
    """`embed` has the vector of every code, `proj` tells codes from a feature map."""

    def __init__(self, codes: int, width: int, features: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(codes, width)
        self.proj = nn.Conv2d(features, codes, 1)


def build_vqgan(shapes: Shapes) -> nn.Module:
    """A `VQModel` with the parameter `shapes` on the meta device, its codebook a `Codebook`."""
    codes, width = shapes["quantize.embed.weight"]
    with torch.device("meta"):
        vqgan = VQModel(**infer_config(shapes), norm_type="group", num_vq_embeddings=1)
        vqgan.quantize = Codebook(codes, width, shapes["quantize.proj.weight"][1])
    return vqgan.requires_grad_(False).eval()  # type: ignore[no-any-return]


@torch.inference_mode()
def code_logits(vqgan: Any, images: Tensor) -> Tensor:
    """How much each code fits, float32 [B, C, H/8, W/8], for `images` [B, 3, H, W] in [−1, 1]."""
    features = vqgan.encode(images.to(vqgan.quant_conv.weight)).latents
    logits: Tensor = vqgan.quantize.proj(features)
    return logits.float()


def encode(vqgan: Any, images: Tensor) -> Tensor:
    """The codes [B, H/8, W/8] of `images` [B, 3, H, W] in [−1, 1]: those that fit best.

    The published encoder draws them by lot, unless it is told not to, as for image prompts.
    """
    return code_logits(vqgan, images).argmax(dim=1)


@torch.inference_mode()
def decode(vqgan: Any, codes: Tensor) -> Tensor:
    """Images [B, 3, 8h, 8w] (of wavelets 16h, 16w) float32, nominally in [−1, 1], of `codes` [B, h, w], one at a
    time."""
    latents = vqgan.quantize.embed(codes).permute(0, 3, 1, 2)  # [B, D, h, w]
    images = torch.cat([vqgan.decode(z[None], force_not_quantize=True).sample.float() for z in latents])
    return from_wavelets(images) if images.shape[1] == 3 * _BANDS else images


def from_wavelets(bands: Tensor) -> Tensor:
    """Images [B, 3, 2h, 2w] of `bands` [B, 12, h, w]: the low band of three colours, then for each its high ones."""
    low, high = bands[:, :3], bands[:, 3:].reshape(len(bands), 3, _BANDS - 1, *bands.shape[2:])
    across, down, both = high.unbind(2)  # [B, 3, h, w]
    corners = (
        low + across + down + both,
        low + across - down - both,
        low - across + down - both,
        low - across - down + both,
    )
    return pixel_shuffle(torch.stack(corners, 2).flatten(1, 2) / 2, 2)
