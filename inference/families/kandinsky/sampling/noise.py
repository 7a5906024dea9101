"""Seeded noise, one stream per picture.

Every picture owns a CPU generator and draws its own [4, h, w] tensors in the order N0, N1, …; so the result depends
neither on the device, nor on how many pictures are made together, nor on which: any picture of a job can be made again
alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from inference.engine.seeds import generator


class PictureNoise:
    """The noise stream of one picture: every `next()` draws unit gaussian float32 on the CPU, of `shape` unless it is
    asked for another."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self._generator = generator(seed)
        self._shape = shape

    def next(self, shape: tuple[int, ...] | None = None) -> Tensor:
        return torch.randn(shape or self._shape, generator=self._generator, dtype=torch.float32, device="cpu")


def stack_next(streams: Sequence[PictureNoise], device: torch.device | str = "cpu") -> Tensor:
    """The next tensor of every stream as one batch [B, *shape] on `device`."""
    return torch.stack([stream.next() for stream in streams]).to(device, non_blocking=True)
