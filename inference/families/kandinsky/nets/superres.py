"""The net of KandiSuperRes (github.com/ai-forever/KandiSuperRes), an Efficient U-Net on pixels (arXiv:2205.11487).

It knows neither text nor attention: from a noisy picture and an enlarged small one it predicts the clean picture. The
highest resolution holds only the first and the last convolution and the ends of two blocks, so that is where memory
goes; what can be computed in place is, and no more than three maps of that size live at once. Names are the released
ones.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from inference.checkpoints.shapes import Shapes, count_children

OFFICIAL_GROUPS = 32
SIDE_MULTIPLE = 8  # three halvings
# Copies of the widest map [B, 128, H, W] at the peak of a pass in plain NCHW: 3.95 counted, and two for what cuDNN lays
# out anew around a convolution, its input and its output. No GPU has confirmed it.
MAPS_ALIVE = 6

SuperResConfig = dict[str, Any]
_Resampling = type[nn.Conv2d] | type[nn.ConvTranspose2d]


def infer_superres_config(shapes: Shapes, *, groups: int = OFFICIAL_GROUPS) -> SuperResConfig:
    """Keyword arguments of `build_superres` that give the parameter `shapes`, which do not tell `groups`."""
    levels = range(count_children(shapes, "down_samples."))
    blocks = [count_children(shapes, f"down_samples.{level}.resnet_attn_blocks.") for level in levels]
    last = [f"down_samples.{level}.resnet_attn_blocks.{blocks[level] - 1}.0" for level in levels]
    return {
        "channels": shapes["out_conv.weight"][0],
        "stem": shapes["init_conv.weight"][0],
        "widths": [shapes[f"{name}.out_block.projection.weight"][0] for name in last],
        "blocks": blocks,
        "time_dim": shapes["to_time_embed.1.weight"][0],
        "frequencies": shapes["to_time_embed.1.weight"][1],
        "groups": groups,
    }


def build_superres(config: SuperResConfig) -> nn.Module:
    """The net for `config` on the meta device."""
    with torch.device("meta"):
        net = EfficientUNet(**config)
    return net.requires_grad_(False).eval()


@torch.inference_mode()
def predict_clean(net: Any, x: Tensor, t: Tensor, low: Tensor) -> Tensor:
    """The clean picture that `net` sees in `x` [B, 3, H, W], float32 of the same shape, nominally in [-1, 1].

    `t` [B]: rows may stand at different timesteps. `low` [B, 3, h, w] is the picture to enlarge; where it is smaller
    than x it is enlarged bilinearly first. Raises ValueError unless H and W are multiples of 8.
    """
    height, width = x.shape[-2:]
    if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE:
        raise ValueError(f"sides must be multiples of {SIDE_MULTIPLE}, not {height}×{width}")
    if low.shape[-2:] != x.shape[-2:]:
        low = enlarged(low, height, width)
    dtype = net.init_conv.weight.dtype
    clean: Tensor = net(torch.cat([x, low], dim=1).to(dtype), t)
    return clean.float()


def enlarged(low: Tensor, height: int, width: int) -> Tensor:
    """`low` [B, 3, h, w] at another size the way the net was trained on it: bilinear, half-pixel centres."""
    return fn.interpolate(low, size=(height, width), mode="bilinear", align_corners=False, antialias=False)


def activation_bytes(net: Any, height: int, width: int) -> int:
    """Bytes that a pass over one window takes at its peak besides the weights."""
    weight = net.out_conv.weight
    return int(MAPS_ALIVE * weight.shape[1] * height * width * weight.element_size())


class EfficientUNet(nn.Module):
    """Four levels down, four up. `widths` are the output channels of the levels down, `blocks` their block counts."""

    def __init__(
        self,
        *,
        channels: int,
        stem: int,
        widths: list[int],
        blocks: list[int],
        time_dim: int,
        frequencies: int,
        groups: int,
    ) -> None:
        super().__init__()
        self.to_time_embed = nn.Sequential(
            _Sinusoids(frequencies), nn.Linear(frequencies, time_dim), nn.SiLU(), nn.Linear(time_dim, time_dim)
        )
        self.init_conv = nn.Conv2d(2 * channels, stem, 3, padding=1)
        self.down_samples, self.up_samples = nn.ModuleList(), nn.ModuleList()
        deepest, ins = len(widths) - 1, [stem, *widths[:-1]]
        for level, (narrow, wide, count) in enumerate(zip(ins, widths, blocks, strict=True)):
            inner = [narrow, *[wide] * count]
            down = [_Block(a, b, time_dim, groups) for a, b in pairwise(inner)]
            if level < deepest:
                down[0] = _Block(narrow, wide, time_dim, groups, nn.Conv2d)
            self.down_samples.append(_Level(down))
        for level in reversed(range(len(widths))):
            wide, narrow, skip = widths[level], ins[level], 0 if level == deepest else widths[level]
            inner = [wide + skip, *[wide] * (blocks[level] - 1), narrow]
            up = [_Block(a, b, time_dim, groups) for a, b in pairwise(inner)]
            if level < deepest:
                up[-1] = _Block(inner[-2], narrow, time_dim, groups, nn.ConvTranspose2d)
            self.up_samples.append(_Level(up))
        self.norm = nn.GroupNorm(groups, stem)
        self.out_conv = nn.Conv2d(stem, channels, 3, padding=1)

    def forward(self, both: Tensor, t: Tensor) -> Tensor:
        """`both` [B, 6, H, W]: the noisy picture over the enlarged one."""
        time = fn.silu(self.embed_time(t.to(both.device))).to(both.dtype)  # [B, time_dim]
        h = self.init_conv(both)
        skips: list[Tensor] = []
        for down in self.down_samples:
            h = down(h, time)
            skips.append(h)
        skips.pop()
        for number, up in enumerate(self.up_samples):
            if number:
                h = torch.cat([h, skips.pop()], dim=1)
            h = up(h, time)
        h = fn.silu(self.norm(h), inplace=not torch.is_grad_enabled())
        return self.out_conv(h)  # type: ignore[no-any-return]

    def embed_time(self, t: Tensor) -> Tensor:
        """[B, time_dim] float32 of timesteps [B]; half precision would be off by a quarter near t = 999."""
        sinusoids, first, _, second = self.to_time_embed
        hidden = fn.silu(_linear32(first, sinusoids(t.float())))
        return _linear32(second, hidden)


def _linear32(layer: Any, x: Tensor) -> Tensor:
    return fn.linear(x, layer.weight.float(), layer.bias.float())


class _Sinusoids(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self._half = width // 2

    def forward(self, t: Tensor) -> Tensor:
        """[B] to [B, width]: sines, then cosines, from frequency 1 down to 1/10000."""
        steps = torch.arange(self._half, device=t.device, dtype=torch.float32)
        angles = t[:, None] * torch.exp(steps * (-math.log(10000) / (self._half - 1)))
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Level(nn.Module):
    def __init__(self, blocks: list[_Block]) -> None:
        super().__init__()
        # Each block is followed by what would be attention in other nets of the family; here it is nothing.
        self.resnet_attn_blocks = nn.ModuleList(nn.ModuleList([block, nn.Identity()]) for block in blocks)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        for pair in self.resnet_attn_blocks:
            h = pair[0](h, time)  # type: ignore[index]
        return h


class _Block(nn.Module):
    """A residual block; `change` is the convolution, if any, that halves or doubles the sides on both of its paths."""

    def __init__(self, narrow: int, wide: int, time_dim: int, groups: int, change: _Resampling | None = None) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, 2 * wide))
        self.in_block = _Half(narrow, wide, groups, change)
        self.out_block = _Half(wide, wide, groups, None)
        self.change_resolution = _Change(narrow, change)
        same = change is None and narrow == wide
        self.res_block = nn.Identity() if same else nn.Conv2d(narrow, wide, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """`time` [B, time_dim] has been through the first layer of `time_mlp` already. No activation stands before the
        first convolution: so the net was trained."""
        scale, shift = self.time_mlp[1](time)[:, :, None, None].chunk(2, dim=1)  # [B, wide, 1, 1]
        h = self.in_block.projection(self.in_block.change_resolution(self.in_block.group_norm(x)))
        h = self.out_block.group_norm(h)
        if torch.is_grad_enabled():  # training needs the maps that an in-place step would overwrite
            h = fn.silu(h * (scale + 1) + shift)
        else:
            h = fn.silu(h.mul_(scale + 1).add_(shift), inplace=True)
        h = self.out_block.projection(h)
        return h.add_(self.res_block(self.change_resolution(x)))  # type: ignore[no-any-return]


class _Half(nn.Module):
    def __init__(self, narrow: int, wide: int, groups: int, change: _Resampling | None) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, narrow)
        self.change_resolution = _Change(narrow, change)
        self.projection = nn.Conv2d(narrow, wide, 3, padding=1)


class _Change(nn.Module):
    def __init__(self, width: int, convolution: _Resampling | None) -> None:
        super().__init__()
        self.change_resolution = convolution(width, width, 4, stride=2, padding=1) if convolution else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.change_resolution(x)  # type: ignore[no-any-return]
