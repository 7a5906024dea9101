"""Training of a small HED: where colours of a picture change, at five scales."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference.families.kandinsky.nets.hed import HED
from inference.nano import movq
from inference.nano.training import batches, fit, load

CHANNELS = [8, 12, 16, 16, 16]
CONVS = [2, 2, 2, 2, 2]
PICTURES = 3072
BATCH = 16
RATE = 3e-3
CONTRAST = 20.0  # least change of a channel across two pixels that makes an edge; soft gradients stay below


def true_edges(images: Tensor) -> Tensor:
    """Edges [B, 1, H, W], 0 or 1, of clean pictures uint8 [B, 3, H, W]."""
    x = F.pad(images.float(), (1, 1, 1, 1), mode="replicate")
    across = (x[..., 1:-1, 2:] - x[..., 1:-1, :-2]).abs()
    down = (x[..., 2:, 1:-1] - x[..., :-2, 1:-1]).abs()
    return (torch.maximum(across, down).amax(1, keepdim=True) > CONTRAST).float()


def build() -> HED:
    """The net with fresh weights."""
    net = HED(CHANNELS, CONVS)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.out_channels > 1:
            nn.init.kaiming_normal_(module.weight)
    with torch.no_grad():
        net.norm.fill_(128.0)
    return net


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains the net; leaves `hed.pt`."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    images = movq.pictures(seed * 10_000_000, PICTURES)
    net, order = build().train(), batches(PICTURES, BATCH, generator)

    def loss_of(_step: int) -> Tensor:
        picked = images[next(order)]
        truth = true_edges(picked)
        logits = net(picked.float() + 4 * torch.randn(picked.shape, generator=generator))
        full = [F.interpolate(it, truth.shape[-2:], mode="bilinear") for it in logits]
        weight = 1 + 4 * truth
        fused = F.binary_cross_entropy_with_logits(torch.stack(full).mean(0), truth, weight)
        # the coarse ones help the mean along, and need not be right by themselves
        return fused + 0.1 * F.binary_cross_entropy_with_logits(full[0], truth, weight)

    fit(net, loss_of, out, "hed", minutes, peak=RATE, resume=resume)


def trained(out: Path) -> HED:
    """The net that `train` left in `out`."""
    state = load(out / "hed.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'hed.pt'}: train it first (--part hed)")
    net = build()
    net.load_state_dict(state["model"])  # type: ignore[arg-type]
    return net.eval().requires_grad_(False)
