"""Training of the super-resolution nets: clean pictures predicted from noisy ones over an enlarged small one.

The small pictures are blurred, recompressed or sent through the codec now and then, because that is what a net of this
kind meets (Real-ESRGAN, arXiv:2107.10833, in small). Linear noise schedule, x0 prediction, as in KandiSuperRes.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from inference.nano import movq
from inference.nano.drawing import draw
from inference.nano.training import batches, fit, hasten_norms, load
from inference.nano.world import SIZE, sample_scene
from inference.nets.superres import build_superres, enlarged
from inference.sampling import FLASH_TIMES
from inference.sampling.superres import linear_alphas_cumprod

Name = Literal["x2", "x4", "flash_x2"]

CONFIG: dict[str, Any] = {
    "channels": 3,
    "stem": 24,
    "widths": [24, 32, 32, 32],
    "blocks": [1, 1, 2, 2],
    "time_dim": 64,
    "frequencies": 24,
    "groups": 8,
}
PICTURES = 2048
LARGE = 2  # hi-resolution pictures are this many times the world's size
CROP = 64
BATCH = 16
RATE = 1.5e-3
SEEDS_APART = 3_000_000  # from the scenes that other nets learn from


def build() -> nn.Module:
    """The net with fresh weights."""
    torch.manual_seed(0)
    net = build_superres(CONFIG).to_empty(device="cpu").requires_grad_(True).train()
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]
    return net


def worn(small: Image.Image, rng: random.Random) -> Image.Image:
    """A small picture as it may come: clean, soft, or recompressed."""
    pick = rng.random()
    if pick < 0.35:
        return small
    if pick < 0.75:
        small = small.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    if pick > 0.55:
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=rng.randint(60, 95))
        small = Image.open(buffer).convert("RGB")
    return small


def pairs(first: int, count: int, factor: int) -> tuple[Tensor, Tensor]:
    """Large pictures uint8 [count, 3, L, L] and their worn small ones [count, 3, L / factor, L / factor]."""
    side = SIZE * LARGE
    large = torch.empty(count, 3, side, side, dtype=torch.uint8)
    small = torch.empty(count, 3, side // factor, side // factor, dtype=torch.uint8)
    for i in range(count):
        rng, picture = random.Random(first + i), draw(sample_scene(first + i), LARGE)
        less = picture.resize((side // factor, side // factor), Image.Resampling.BOX)
        large[i] = _planes(picture)
        small[i] = _planes(worn(less, rng))
    return large, small


def _planes(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _crops(large: Tensor, small: Tensor, factor: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same lively window of each pair: [B, 3, CROP, CROP] and [B, 3, CROP / factor, CROP / factor]."""
    cell, most = CROP // factor, small.shape[-1] - CROP // factor
    cut: tuple[list[Tensor], list[Tensor]] = ([], [])
    for big, little in zip(large, small, strict=True):
        corners = torch.randint(0, most + 1, (3, 2), generator=generator).tolist()
        y, x = max(corners, key=lambda c: float(little[:, c[0] : c[0] + cell, c[1] : c[1] + cell].float().std()))
        cut[0].append(big[:, y * factor : y * factor + CROP, x * factor : x * factor + CROP])
        cut[1].append(little[:, y : y + cell, x : x + cell])
    return torch.stack(cut[0]), torch.stack(cut[1])


def train(out: Path, minutes: float, seed: int, resume: bool, name: Name = "x2") -> None:
    """Trains one net; leaves `superres_<name>.pt`. The Flash one sees only the four times it is used at, and the first
    of them as pure noise half of the time, as its sampler begins."""
    torch.manual_seed(seed)
    generator, factor = torch.Generator().manual_seed(seed), 4 if name == "x4" else 2
    large, small = pairs(seed * 10_000_000 + SEEDS_APART, PICTURES, factor)
    model, order = build(), batches(PICTURES, BATCH, generator)
    hasten_norms(model)
    alphas = linear_alphas_cumprod()

    def loss_of(_step: int) -> Tensor:
        chosen = next(order)
        big, little = (movq.to_input(part) for part in _crops(large[chosen], small[chosen], factor, generator))
        low = enlarged(little, CROP, CROP)
        if name == "flash_x2":
            t = torch.tensor(FLASH_TIMES)[torch.randint(0, 4, (BATCH,), generator=generator)]
        else:
            t = torch.randint(0, 1000, (BATCH,), generator=generator)
        alpha = alphas[t][:, None, None, None]
        noisy = alpha.sqrt() * big + (1 - alpha).sqrt() * torch.randn(big.shape, generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            made = model(torch.cat([noisy, low], dim=1), t)
        error = made.float() - big
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        loss: Tensor = error.abs().mean() + error.square().mean() + 0.5 * edges
        return loss

    fit(model, loss_of, out, f"superres_{name}", minutes, peak=RATE, resume=resume)


def trained(out: Path, name: Name) -> nn.Module:
    """The net that `train` left in `out`."""
    state = load(out / f"superres_{name}.pt")
    if state is None:
        raise FileNotFoundError(f"{out / f'superres_{name}.pt'}: train it first (--part superres_{name})")
    net = build()
    net.load_state_dict(state["model"])  # type: ignore[arg-type]
    return net.eval().requires_grad_(False)
