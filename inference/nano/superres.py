"""Training of the super-resolution nets: clean pictures predicted from noisy ones over an enlarged small one.

The small pictures are blurred or recompressed now and then, because that is what a net of this kind meets (Real-ESRGAN,
arXiv:2107.10833, in small). Linear noise schedule, x0 prediction, as in KandiSuperRes.

An untrained net gives the enlarged small picture back, and learns what that lacks: from random weights a net of this
size needs all its time to come as far as that.
"""

from __future__ import annotations

import io
import math
import random
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from inference.families.kandinsky.nets.superres import build_superres, enlarged
from inference.families.kandinsky.sampling import FLASH_TIMES
from inference.families.kandinsky.sampling.superres import linear_alphas_cumprod, solver_times
from inference.nano import movq
from inference.nano.drawing import draw
from inference.nano.training import batches, fit, hasten_norms, load, quick_arithmetic
from inference.nano.world import SIZE, sample_scene

Name = Literal["x2", "x4", "flash_x2"]

CONFIG: dict[str, Any] = {
    "channels": 3,
    "stem": 24,
    "widths": [24, 32, 32],
    "blocks": [1, 1, 1],
    "time_dim": 64,
    "frequencies": 24,
    "groups": 1,  # a norm over few channels loses how bright they are
}
FLASH_WIDTHS = {"widths": [24, 32], "blocks": [1, 1]}  # the Flash net may be smaller: its refiner draws detail over
PICTURES = 3072
LARGE = 2  # hi-resolution pictures are this many times the world's size
CROP = 64
BATCH = 16
RATE = 1.5e-3
SEEDS_APART = 3_000_000  # from the scenes that other nets learn from
USED = 0.8  # share of timesteps that are those of the sampler
GUESSED = 0.5  # share of noisy pictures made from the enlarged small one, as the sampler's own first estimates are
STEADY = 10.0  # two channels at plus and minus this hold the last norm's scale, whatever the picture is


def build(name: Name = "x2") -> nn.Module:
    """The net with fresh weights: it gives back what it is to enlarge."""
    torch.manual_seed(0)
    config = {**CONFIG, **FLASH_WIDTHS} if name == "flash_x2" else CONFIG
    net: Any = build_superres(config).to_empty(device="cpu").requires_grad_(True).train()
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    _see_through(net)
    return net  # type: ignore[no-any-return]


@torch.no_grad()
def _see_through(net: Any) -> None:
    """Leads the small picture from the input past every block to the output.

    Channels 0 to 2 carry it down half way and up again; at the end they stand once as they are and once negated,
    because silu(u) - silu(-u) = u.
    """
    for block in (pair[0] for level in (*net.down_samples, *net.up_samples) for pair in level.resnet_attn_blocks):
        nn.init.zeros_(block.out_block.projection.weight)
        nn.init.zeros_(block.out_block.projection.bias)
    stem, colours = net.init_conv.out_channels, range(net.out_conv.out_channels)
    down = net.down_samples[0].resnet_attn_blocks[0][0]
    up = net.up_samples[-1].resnet_attn_blocks[-1][0]
    halved, doubled = (block.change_resolution.change_resolution for block in (down, up))
    beside = doubled.in_channels // 2  # where the skip begins in what the last level reads
    across = torch.tensor([0.25, 0.75, 0.75, 0.25])
    steady = math.sqrt(2 * STEADY**2 / stem)
    for c in colours:
        for layer in (net.init_conv, halved, down.res_block):
            layer.weight[c], layer.bias[c] = 0, 0
        doubled.weight[:, beside + c], doubled.bias[beside + c] = 0, 0
        net.init_conv.weight[c, len(colours) + c, 1, 1] = 1
        halved.weight[c, c, 1:3, 1:3] = 0.25
        down.res_block.weight[c, c] = 1
        doubled.weight[beside + c, beside + c] = torch.outer(across, across)
        for out, sign in ((c, 1), (len(colours) + c, -1)):
            up.res_block.weight[out], up.res_block.bias[out] = 0, 0
            up.res_block.weight[out, beside + c] = sign
    for out, sign in ((stem - 1, 1), (stem - 2, -1)):
        up.res_block.weight[out], up.res_block.bias[out] = 0, sign * STEADY
    net.norm.weight.fill_(steady)
    net.out_conv.weight.zero_()
    net.out_conv.bias.zero_()
    for c in colours:
        net.out_conv.weight[c, c, 1, 1], net.out_conv.weight[c, len(colours) + c, 1, 1] = 1, -1


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
    """Trains one net; leaves `superres_<name>.pt`."""
    torch.manual_seed(seed)
    generator, factor = torch.Generator().manual_seed(seed), 4 if name == "x4" else 2
    large, small = pairs(seed * 10_000_000 + SEEDS_APART, PICTURES, factor)
    model, order = build(name), batches(PICTURES, BATCH, generator)
    hasten_norms(model)
    alphas, used = linear_alphas_cumprod(), torch.tensor(FLASH_TIMES if name == "flash_x2" else solver_times())

    def loss_of(_step: int) -> Tensor:
        chosen = next(order)
        big, little = (movq.to_input(part) for part in _crops(large[chosen], small[chosen], factor, generator))
        low = enlarged(little, CROP, CROP)
        t = used[torch.randint(0, len(used), (BATCH,), generator=generator)]
        free = torch.rand(BATCH, generator=generator) >= USED
        t = torch.where(free, torch.randint(0, 1000, (BATCH,), generator=generator), t)
        guessed = torch.rand(BATCH, generator=generator) < GUESSED
        alpha = alphas[t][:, None, None, None]
        below = torch.where(guessed[:, None, None, None], low, big)
        noisy = alpha.sqrt() * below + (1 - alpha).sqrt() * torch.randn(big.shape, generator=generator)
        with quick_arithmetic():
            made = model(torch.cat([noisy, low], dim=1), t)
        error = made.float() - big
        edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        loss: Tensor = error.abs().mean() + 4 * error.square().mean() + 0.3 * edges
        return loss

    fit(model, loss_of, out, f"superres_{name}", minutes, peak=RATE, resume=resume)


def trained(out: Path, name: Name) -> nn.Module:
    """The net that `train` left in `out`."""
    state = load(out / f"superres_{name}.pt")
    if state is None:
        raise FileNotFoundError(f"{out / f'superres_{name}.pt'}: train it first (--part superres_{name})")
    net = build(name)
    net.load_state_dict(state["model"])  # type: ignore[arg-type]
    return net.eval().requires_grad_(False)
