"""The U-Net of Emojich: an EfficientNet-b5 (Tan and Le 2019, arXiv:1905.11946) that sees a picture at five scales, and
a decoder that joins them (Ronneberger et al. 2015, arXiv:1505.04597).

Names are those of segmentation_models_pytorch 0.1.3. The published code left the net in training mode, where each
picture changes what becomes of the others in its batch; this one has no such mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, pad, relu, silu

from inference.checkpoints.shapes import Shapes
from inference.checkpoints.tensors import State

REPEATS = (3, 5, 5, 7, 7, 9, 3)  # blocks of each stage of an EfficientNet-b5
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of the first block of each
SEEN_AFTER = (1, 2, 4, 6)  # stages whose output the decoder sees; it sees what the first convolution gives, too
CLASSES = 2
ENCODER_EPS, DECODER_EPS = 1e-3, 1e-5
_UNUSED = ("encoder._conv_head.", "encoder._bn1.")
_COUNTER = ".num_batches_tracked"


class UNet(nn.Module):
    """The net of the parameter `shapes`, with so many blocks in each stage. Of two classes the second is what is to be
    seen."""

    def __init__(self, shapes: Shapes, repeats: Sequence[int]) -> None:
        super().__init__()
        self.encoder = _Encoder(shapes, repeats)
        self.decoder = _Decoder(shapes, self.encoder.channels)
        self.segmentation_head = nn.Sequential(nn.Conv2d(self.decoder.channels, CLASSES, 3, padding=1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits [B, 2, H, W] for `pixels` [B, 3, H, W] from 0 to 1; sides are multiples of 32."""
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(pixels)))
        return logits


class _Encoder(nn.Module):
    """`channels` are those of the maps that it gives."""

    def __init__(self, shapes: Shapes, repeats: Sequence[int]) -> None:
        super().__init__()
        channels = shapes["encoder._conv_stem.weight"][0]
        self.channels = [channels]
        self._conv_stem = nn.Conv2d(3, channels, 3, 2, bias=False)
        self._bn0 = _Norm(channels, ENCODER_EPS)
        self._blocks = nn.ModuleList()
        self._seen = set()
        for stage, (count, stride) in enumerate(zip(repeats, STRIDES, strict=True)):
            for number in range(count):
                name = f"encoder._blocks.{len(self._blocks)}."
                block = _Block(shapes, name, channels, stride=None if number else stride)
                self._blocks.append(block)
                channels = block.channels
            if stage in SEEN_AFTER:
                self._seen.add(len(self._blocks) - 1)
                self.channels.append(channels)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Five maps [B, C, h, w], each half the size of the one before, the first half that of `pixels`."""
        h = silu(self._bn0(self._conv_stem(_padded(pixels, 3, 2))))
        seen = [h]
        for number, block in enumerate(self._blocks):
            h = block(h)
            if number in self._seen:
                seen.append(h)
        return seen


class _Block(nn.Module):
    """An inverted bottleneck with squeeze and excitation. `stride` is that of the first block of a stage; the others,
    with None, add what they compute to what they are given."""

    def __init__(self, shapes: Shapes, name: str, ins: int, stride: int | None) -> None:
        super().__init__()
        self.adds, self.stride = stride is None, stride or 1
        inner, _, self.kernel, _ = shapes[f"{name}_depthwise_conv.weight"]
        squeezed = shapes[f"{name}_se_reduce.weight"][0]
        self.channels = ins if self.adds else shapes[f"{name}_project_conv.weight"][0]
        self.expands = f"{name}_expand_conv.weight" in shapes
        if self.expands:
            self._expand_conv = nn.Conv2d(ins, inner, 1, bias=False)
            self._bn0 = _Norm(inner, ENCODER_EPS)
        self._depthwise_conv = nn.Conv2d(inner, inner, self.kernel, self.stride, groups=inner, bias=False)
        self._bn1 = _Norm(inner, ENCODER_EPS)
        self._se_reduce, self._se_expand = nn.Conv2d(inner, squeezed, 1), nn.Conv2d(squeezed, inner, 1)
        self._project_conv = nn.Conv2d(inner, self.channels, 1, bias=False)
        self._bn2 = _Norm(self.channels, ENCODER_EPS)

    def forward(self, x: Tensor) -> Tensor:
        h = silu(self._bn0(self._expand_conv(x))) if self.expands else x
        h = silu(self._bn1(self._depthwise_conv(_padded(h, self.kernel, self.stride))))
        weights = self._se_expand(silu(self._se_reduce(h.mean((2, 3), keepdim=True))))
        added: Tensor = self._bn2(self._project_conv(weights.sigmoid() * h))
        return x + added if self.adds else added


class _Decoder(nn.Module):
    """Each of its blocks doubles the sides of a map and joins the next one of those that it `sees`, the last none."""

    def __init__(self, shapes: Shapes, sees: Sequence[int]) -> None:
        super().__init__()
        self.channels, *beside = reversed(sees)
        self.blocks = nn.ModuleList()
        for number, more in enumerate([*beside, 0]):
            outs = shapes[f"decoder.blocks.{number}.conv1.0.weight"][0]
            self.blocks.append(_Joining(self.channels + more, outs))
            self.channels = outs

    def forward(self, seen: list[Tensor]) -> Tensor:
        h, *beside = reversed(seen)
        for number, block in enumerate(self.blocks):
            h = block(torch.cat([interpolate(h, scale_factor=2, mode="nearest"), *beside[number : number + 1]], 1))
        return h


class _Joining(nn.Module):
    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _decoder_conv(ins, outs), _decoder_conv(outs, outs)

    def forward(self, h: Tensor) -> Tensor:
        return relu(self.conv2(relu(self.conv1(h))))


def _decoder_conv(ins: int, outs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(ins, outs, 3, padding=1, bias=False), _Norm(outs, DECODER_EPS))


class _Norm(nn.Module):
    """Batch normalisation by the statistics of the file: what stands beside a picture in its batch changes nothing."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, h: Tensor) -> Tensor:
        return batch_norm(h, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def _padded(h: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's "same" padding: where a convolution halves an even side, the larger half comes after it."""
    before = (kernel - stride) // 2
    after = kernel - stride - before
    return pad(h, (before, after, before, after))


def build_unet(shapes: Shapes, repeats: Sequence[int] = REPEATS) -> UNet:
    """The net with the parameter `shapes` on the meta device. Raises KeyError or ValueError for those of another."""
    with torch.device("meta"):
        return UNet(shapes, repeats)


def used(state: State) -> State:
    """The tensors of a released file without those that the net has no use for."""
    return {name: t for name, t in state.items() if not name.startswith(_UNUSED) and not name.endswith(_COUNTER)}
