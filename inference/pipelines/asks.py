"""What a pipeline may ask of the heavy nets, and what it is answered.

A pipeline is a generator: it yields one of these values and is sent the answer. It never touches a net, so it reads
like the method it implements and can be tested by answering by hand; who answers may put the asks of many pipelines
into one pass.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from inference.checkpoints.catalogue import Mode
from inference.conditioning import Context, TokenIds, Tokens
from inference.requests import Note


@dataclass(frozen=True, slots=True)
class Encode:
    """Texts into contexts for the U-Net of `mode`; None among them stands for that net's learnt null embedding.

    Answer: a tuple of contexts of one row each, in the order of `texts`.
    """

    mode: Mode
    texts: tuple[TokenIds | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Denoise:
    """One pass of the U-Net of `mode` over the pictures `x` [B, 4, h, w] at timestep `t`, once under each context (one
    row each).

    Answer: a tuple of noise predictions [B, 4, h, w] in any float dtype, one per context.
    """

    mode: Mode
    x: Tensor
    t: int
    contexts: tuple[Context, ...]

    @property
    def rows(self) -> int:
        """Rows this takes in a batch of the U-Net."""
        return len(self.x) * len(self.contexts)


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """The present estimate `x0` [B, 4, h, w] of the final latents, for previews. Costs no pass. Answer: None, at
    once."""

    x0: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Decode:
    """The picture that the latent [4, h, w] stands for. Answer: pixels, uint8 [8h, 8w, 3] on the CPU."""

    latent: Tensor


Ask = Encode | Denoise | Show | Decode


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a pipeline returns: pixels uint8 [H, W, 3] of every picture in the order of the seeds, and what a person
    should know."""

    pictures: tuple[Tensor, ...]
    notes: tuple[Note, ...] = ()


Pipeline = Generator[Ask, Any, Drawing]


class Tools(Protocol):
    """The light things a pipeline uses without asking: where tensors live, and the tokeniser."""

    @property
    def device(self) -> torch.device: ...

    def tokenize(self, text: str) -> Tokens: ...
