"""Pictures from many different prompts at once, through the project's own conditioning, nets and samplers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.load import Checkpoint
from inference.conditioning import Context, encode, merge, null_context, project, tokenize
from inference.nano.world import SIZE
from inference.nets import movq
from inference.nets.unet import denoise
from inference.sampling import (
    PictureNoise,
    flash_coefficients,
    flash_renoise,
    flash_x0,
    full_coefficients,
    full_step,
    stack_next,
)


@dataclass(frozen=True)
class Nets:
    """What one mode draws with."""

    tokenizer: Any
    encoder: nn.Module
    unet: nn.Module
    projection: nn.Module
    null_embedding: Tensor
    codec: nn.Module

    def contexts(self, prompts: Sequence[str]) -> list[Context]:
        """One context per prompt."""
        rows = encode(self.encoder, [tokenize(self.tokenizer, prompt).ids for prompt in prompts])
        return [project(self.projection, row) for row in rows]

    def predict(self, x: Tensor, t: int, context: Context) -> Tensor:
        """Noise in x [N, 4, h, w] at time t under N rows of context."""
        return denoise(self.unet, x, torch.full((len(x),), t), context.rows, context.mask, context.pool_len)


def open_nets(folder: Path, mode: str) -> Nets:
    """The nets of "base" or "flash" from a checkpoint folder, in float32 on the CPU."""
    checkpoint = Checkpoint.open(folder)
    loaded = checkpoint.load_unet("flash" if mode == "flash" else "base", torch.float32, "cpu")
    tokenizer, encoder = checkpoint.load_text_encoder(torch.float32, "cpu")
    codec = checkpoint.load_movq(torch.float32, "cpu")
    return Nets(tokenizer, encoder, loaded.unet, loaded.projection, loaded.null_embedding, codec)


def _noise(seeds: Sequence[int]) -> list[PictureNoise]:
    return [PictureNoise(seed, (4, SIZE // 8, SIZE // 8)) for seed in seeds]


@torch.inference_mode()
def full_latents(
    nets: Nets, prompts: Sequence[str], seeds: Sequence[int], steps: int = 50, guidance: float = 3.0, eta: float = 1.0
) -> Tensor:
    """Latents [N, 4, h, w] by the full sampler, prompt i with seed i."""
    context = merge(nets.contexts(prompts))
    both = merge([context, *[null_context(nets.null_embedding)] * len(prompts)])
    noise = _noise(seeds)
    x = stack_next(noise)
    for step in full_coefficients(steps, eta):
        cond, uncond = nets.predict(torch.cat([x, x]), step.t, both).chunk(2)
        fresh = stack_next(noise) if step.sigma else None
        x = full_step(x, cond, uncond, guidance_scale=guidance, step=step, noise=fresh).x
    return x


@torch.inference_mode()
def flash_latents(nets: Nets, prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
    """Latents [N, 4, h, w] by the four steps of Flash, prompt i with seed i."""
    context, noise = merge(nets.contexts(prompts)), _noise(seeds)
    x0 = stack_next(noise)
    for step in flash_coefficients():
        x = flash_renoise(x0, stack_next(noise), step)
        x0 = flash_x0(x, nets.predict(x, step.t, context), step)
    return x0


@torch.inference_mode()
def draw(
    nets: Nets, mode: str, prompts: Sequence[str], seeds: Sequence[int], steps: int = 50, group: int = 16
) -> Tensor:
    """Pictures uint8 [N, SIZE, SIZE, 3]: "base" by `steps` steps at guidance 3, "flash" by four."""
    parts = []
    for i in range(0, len(prompts), group):
        some, own = prompts[i : i + group], seeds[i : i + group]
        latents = flash_latents(nets, some, own) if mode == "flash" else full_latents(nets, some, own, steps)
        parts.append(movq.to_uint8(movq.decode(nets.codec, latents)).permute(0, 2, 3, 1))
    return torch.cat(parts)
