"""Nets played by hand for pipelines that start from pictures.

The autoencoder averages 8×8 pixels into a cell and draws smoothly between cells; the U-Net points wherever it is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from inference.engine.asks import Aside, Ask, Drawing, Pipeline
from inference.engine.previews import to_uint8
from inference.families.kandinsky.asks import Decode, Denoise, Encode, ToLatent
from inference.families.kandinsky.conditioning import EOS, Context, Tokens
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.requests import Source

PROMPTED = Context(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.int64), torch.tensor([3]))
NULL = Context(torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.int64), torch.tensor([1]))


@dataclass
class Studio:
    """The light tools: a tokeniser that counts letters, and a drawer of pictures."""

    kept: dict[str, Tensor] = field(default_factory=dict)
    device = torch.device("cpu")

    def put(self, picture: Tensor) -> Source:
        return Source(blob=self.digest(picture), width=picture.shape[1], height=picture.shape[0])

    def digest(self, picture: Tensor) -> str:
        name = hashlib.sha256(repr(tuple(picture.shape)).encode() + picture.numpy().tobytes()).hexdigest()
        self.kept[name] = picture
        return name

    def picture(self, digest: str) -> Tensor:
        return self.kept[digest]

    def mask(self, digest: str) -> Tensor:
        return self.kept[digest]

    def tokenize(self, text: str) -> Tokens:
        ids = (*(3 + ord(letter) % 50 for letter in text), EOS)
        return Tokens(ids[:127] + ids[-1:] if len(ids) > 128 else ids, len(ids), text[127:] if len(ids) > 128 else "")

    def windows_at_once(self, height: int, width: int) -> int:
        return 1


def to_latent(pixels: Tensor) -> Tensor:
    """[3, H, W] in [−1, 1] → [4, H/8, W/8], the fourth channel empty."""
    return pad(avg_pool2d(pixels, 8), (0, 0, 0, 0, 0, 1))


def to_picture(latent: Tensor) -> Tensor:
    scaled = interpolate(latent[None, :3], scale_factor=8, mode="bilinear", align_corners=False)[0]
    return to_uint8(scaled).permute(1, 2, 0)


def points_at(x: Tensor, target: Tensor, t: int) -> Tensor:
    """The noise prediction that leads from x straight to the target."""
    alpha = alphas_cumprod()[t]
    return (x - alpha.sqrt() * target) / (1 - alpha).sqrt()


@dataclass
class Played:
    """Every ask of a run and what it came to. `window` of an ask says how many windows were finished before it."""

    asks: list[tuple[int, Ask]] = field(default_factory=list)
    drawing: Drawing = field(default_factory=Drawing)

    def of(self, kind: type) -> list:  # type: ignore[type-arg]
        return [ask for _, ask in self.asks if isinstance(ask, kind)]

    @property
    def passes(self) -> int:
        return sum(not isinstance(ask, Aside) for _, ask in self.asks)


def play(pipeline: Pipeline, aim: Callable[[int, Tensor], Tensor], unconditional: float = 0.0) -> Played:
    """Answers every ask: `aim(window, x)` is where the U-Net points for the input x, the unconditional prediction lies
    `unconditional` beside it."""
    played, window, decoding = Played(), 0, False
    reply: Any = None
    while True:
        try:
            ask = pipeline.send(reply)
        except StopIteration as end:
            played.drawing = end.value
            return played
        if not isinstance(ask, Aside):
            window += decoding and not isinstance(ask, Decode)
            decoding = isinstance(ask, Decode)
        played.asks.append((window, ask))
        match ask:
            case Encode():
                reply = tuple(NULL if ids is None else PROMPTED for ids in ask.texts)
            case Denoise():
                eps = points_at(ask.x[:, :4], aim(window, ask.x), ask.t)
                reply = tuple(eps + unconditional * number for number, _ in enumerate(ask.contexts))
            case Decode():
                reply = to_picture(ask.latent)
            case ToLatent():
                reply = to_latent(ask.pixels)
            case _:
                reply = None


def flat(level: float) -> Callable[[int, Tensor], Tensor]:
    """A U-Net that wants everything to be of one brightness."""
    return lambda window, x: torch.full_like(x[:, :4], level)
