"""Training of the picture codec: MoVQ (Zheng et al., 2022) at f8 with four latent channels, used without its codebook.

Kandinsky decodes unquantised latents, so what the decoder must learn is to forgive small errors of the U-Net: gaussian
noise on the latents does that here. Then a scale is folded into the weights: the 99.5 % quantile of |z| becomes REACH.
The sampler's dynamic thresholding shrinks a whole picture as soon as one object's guided estimate leaves [-1, 1]; with
latents that fill that range backgrounds came out washed, so they keep some room below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import VQModel
from torch import Tensor

from inference.nano.drawing import pixels
from inference.nano.training import Average, Budget, Diary, batches, hasten_norms, load, quick_arithmetic, rate, save
from inference.nano.world import SIZE, SQUARE, Size, practice_scene

CONFIG: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
    "up_block_types": ("AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"),
    "block_out_channels": (32, 32, 64, 64),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "norm_type": "spatial",
    "num_vq_embeddings": 16,
    "vq_embed_dim": 4,
}
NOISE = 0.06  # of the latents' spread: what the decoder forgives
CROP = 64
REACH = 0.7
RATE = 2e-3
POLISH = 0.24  # last share of the time: encoder frozen, whole pictures


def build() -> VQModel:
    """The codec with fresh weights."""
    return VQModel(**CONFIG)


def to_input(images: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] to float in [-1, 1]."""
    return images.float() / 127.5 - 1


def encode(model: VQModel, images: Tensor) -> Tensor:
    """Latents [B, 4, H/8, W/8] of uint8 pictures."""
    latents: Tensor = model.encode(to_input(images)).latents
    return latents


def decode(model: VQModel, latents: Tensor) -> Tensor:
    """Pictures in [-1, 1], [B, 3, 8h, 8w], of unquantised latents."""
    pictures: Tensor = model.decode(latents, force_not_quantize=True).sample
    return pictures


def pictures(start: int, count: int, size: Size = SQUARE) -> Tensor:
    """uint8 [count, 3, height, width]: the practice scenes of seeds start .. start + count - 1."""
    return torch.from_numpy(np.stack([pixels(practice_scene(start + i), size) for i in range(count)]))


def distance(made: Tensor, true: Tensor) -> Tensor:
    """How far pictures are from true ones, both in [-1, 1], edges counted twice; a scalar to train by."""
    error = made.float() - true
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    across = (error[..., 1:] - error[..., :-1]).abs().mean()
    return error.abs().mean() + 0.5 * error.square().mean() + 0.7 * (down + across)


def _crops(images: Tensor, generator: torch.Generator) -> Tensor:
    """A window of CROP x CROP from each picture: the livelier of two, because plain ground teaches little."""
    corners = torch.randint(0, (SIZE - CROP) // 4 + 1, (len(images), 2, 2), generator=generator) * 4
    cut = []
    for image, pair in zip(images, corners.tolist(), strict=True):
        windows = [image[:, y : y + CROP, x : x + CROP] for y, x in pair]
        cut.append(max(windows, key=lambda window: float(window.float().std((1, 2)).sum())))
    return torch.stack(cut)


@torch.no_grad()
def psnr(model: VQModel, images: Tensor) -> float:
    """Decibels of encode-decode on uint8 pictures."""
    model.eval()
    made = torch.cat([decode(model, encode(model, part)).clamp(-1, 1) for part in torch.split(images, 16)])
    error = (made - to_input(images)).square().mean()
    model.train()
    return float(10 * torch.log10(4 / error))


@torch.no_grad()
def rescale(model: VQModel, images: Tensor) -> float:
    """Folds a scale into the weights so that the 99.5 % quantile of |z| becomes REACH; returns the factor s.

    z' = z / s: the encoder's last layer shrinks by s; the decoder's first and every spatial norm, which reads z, grow.
    """
    latents = torch.cat([encode(model, part) for part in torch.split(images, 32)])
    scale = float(torch.quantile(latents.abs().flatten()[:4_000_000], 0.995)) / REACH
    model.quant_conv.weight.div_(scale)
    model.quant_conv.bias.div_(scale)
    model.post_quant_conv.weight.mul_(scale)
    for name, parameter in model.decoder.named_parameters():
        if name.endswith(("conv_y.weight", "conv_b.weight")):
            parameter.mul_(scale)
    return scale


def train(out: Path, minutes: float, seed: int, resume: bool, polish: float = POLISH) -> None:
    """Trains for `minutes` of core time; leaves `movq.pt` (the averaged, rescaled weights) in `out`.

    In the last share `polish` of the time the encoder rests: latents stay what they are, so a codec may be polished
    with `polish` = 1 while a U-Net learns from its latents.
    """
    torch.manual_seed(seed)
    model, state = build().train(), load(out / "movq.pt") if resume else None
    budget = Budget(minutes, float(state["minutes"]) if state else 0.0)  # type: ignore[arg-type]
    diary = Diary(out / "movq.log", budget)
    if state:
        model.load_state_dict(state["model"])
    optimizer = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    hasten_norms(model)
    average, started = Average(model, 0.995), budget.share
    step = int(state["step"]) if state else 0  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(seed + step)
    first = seed * 10_000_000 + step
    data, unseen = pictures(first, 6000), pictures(seed * 10_000_000 + 9_000_000, 96)
    diary.write(part="movq", parameters=sum(p.numel() for p in model.parameters()))
    order, losses = batches(len(data), 16, generator), []
    while budget.share < 1:
        gone = (budget.share - started) / (1 - started)
        resting = gone > 1 - polish
        peak = RATE if not state else RATE / 2
        if resting:
            factor = (0.3 if polish < 1 else 1.0) * rate((gone - 1 + polish) / polish, 0.3)
        else:
            factor = rate(gone / (1 - polish), 0.3)
        for group in optimizer.param_groups:
            group["lr"] = peak * factor
        whole = step % (3 if resting else 12) == 0  # a whole picture costs four crops
        images = data[next(order)[: 6 if whole else 16]]
        images = images if whole else _crops(images, generator)
        with quick_arithmetic():
            with torch.set_grad_enabled(not resting):
                latents = encode(model, images).float()
            reach = F.relu(latents.abs() - 1).square().mean()
            spread = latents.detach().std()
            made = decode(model, latents + NOISE * spread * torch.randn_like(latents))
        loss = distance(made, to_input(images)) + 0.5 * reach
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
        losses.append(loss.item())
        step += 1
        if step % 100 == 0:
            diary.write(step=step, loss=sum(losses) / len(losses), spread=spread.item())
            losses = []
        if step % 500 == 0:
            _finish(out, average, data if polish < 1 else None, unseen, diary, step)
    _finish(out, average, data if polish < 1 else None, unseen, diary, step)


def _finish(out: Path, average: Average, data: Tensor | None, unseen: Tensor, diary: Diary, step: int) -> None:
    """Keeps the averaged weights, rescaled by `data` unless it is None: latents in use must stay as they are."""
    model = build().eval()
    model.load_state_dict(average.shadow)
    scale = rescale(model, data[:256]) if data is not None else 1.0
    diary.write(step=step, psnr=psnr(model, unseen), scale=scale)
    save(out / "movq.pt", {"model": model.state_dict(), "step": step, "minutes": diary.budget.spent})


def trained(out: Path) -> VQModel:
    """The codec that `train` left in `out`, for use."""
    state = load(out / "movq.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'movq.pt'}: train the codec first (--part movq)")
    model = build()
    model.load_state_dict(state["model"])
    return model.eval().requires_grad_(False)
