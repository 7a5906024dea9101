"""The faster decoder against the plain one of diffusers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.nets.fast_movq import broadcast_spatial_norms
from inference.families.kandinsky.nets.movq import decode


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (8, 24)])
def test_the_picture_is_the_same(tiny_folder: Path, size: tuple[int, int], channels_last: bool) -> None:
    checkpoint = Checkpoint.open(tiny_folder)
    plain, fast = (checkpoint.load_movq(torch.float64, "cpu") for _ in range(2))
    assert broadcast_spatial_norms(fast) == 24  # two in each of ten residual blocks, three in the attentions, one last
    if channels_last:
        fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    latents = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    torch.testing.assert_close(decode(fast, latents), decode(plain, latents), atol=1e-6, rtol=0)


def test_latents_of_a_size_that_is_no_whole_factor_take_the_plain_way(tiny_folder: Path) -> None:
    movq = Checkpoint.open(tiny_folder).load_movq(torch.float32, "cpu")
    norm = next(module for module in movq.modules() if type(module).__name__ == "SpatialNorm")
    features, latent = torch.randn(1, 32, 9, 9), torch.randn(1, 4, 6, 6)
    expected = norm(features, latent)
    broadcast_spatial_norms(movq)
    assert torch.equal(norm(features, latent), expected)


def test_a_net_without_spatial_norms_is_refused() -> None:
    with pytest.raises(ValueError, match="not a MoVQ"):
        broadcast_spatial_norms(nn.Conv2d(1, 1, 1))
