"""A kit without weights: simple arithmetic instead of nets, and a record of what was asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inference.blobs import BlobMissing
from inference.engine.kit import Kit, PipelineSpec
from inference.engine.loop import Drawn, Engine
from inference.families.kandinsky.answers import Guide, answer
from inference.families.kandinsky.asks import Encode
from inference.families.kandinsky.conditioning import Context, Tokens
from inference.families.kandinsky.pipelines import PIPELINES
from inference.requests import FlashTextToImage, Request, TextToImage


@dataclass(eq=False)
class ArithmeticKit(Kit):
    """Predicts noise from x, t and the context's mean, row by row; `trouble(rows)` may raise instead.

    It stands in for the engine's nets too: all are at hand but those `away`.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    passes: list[tuple[str, list[int]]] = field(default_factory=list)  # U-Net, timesteps of the rows
    encoded: list[list[tuple[int, ...]]] = field(default_factory=list)
    moved_out: int = 0
    away: frozenset[str] = frozenset()
    trouble: Callable[[str, Tensor], None] = lambda unet, x: None

    @property
    def nets(self) -> Any:
        return self

    @property
    def pipelines(self) -> dict[type[Request], PipelineSpec]:
        return PIPELINES

    def answer(self, asks: Sequence[Any], *, room: int, lean: bool) -> list[object]:
        return answer(self, asks, room=room, lean=lean)

    def tokenize(self, text: str) -> Tokens:
        return Tokens((*(3 + ord(letter) % 90 for letter in text[:127]), 1), len(text) + 1, "")

    def picture(self, digest: str) -> Tensor:
        raise BlobMissing(digest)

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        self.encoded.append([ids for ask in asks for ids in ask.texts if ids is not None])
        return [tuple(_context(ids or (2,)) for ids in ask.texts) for ask in asks]

    def denoise(self, unet: str, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        self.trouble(unet, x)
        self.passes.append((unet, t.tolist()))
        text = context.rows.sum(dim=(1, 2)) / context.pool_len
        return torch.tanh(x * 0.5 + (t / 1000 + text).view(-1, 1, 1, 1))

    def decode(self, latent: Tensor) -> Tensor:
        pixels = latent[:3].permute(1, 2, 0).clamp(-1, 1) * 127 + 128
        return pixels.to(torch.uint8).repeat_interleave(8, 0).repeat_interleave(8, 1)

    def colours(self, x0: Tensor) -> Tensor | None:
        return (x0[:, :3].clamp(-1, 1) * 127 + 128).to(torch.uint8)

    def at_hand(self, names: Iterable[str]) -> bool:
        return not self.away & set(names)

    def expect(self, names: Iterable[str]) -> None:
        assert set(names)

    def make_room(self) -> None:
        self.moved_out += 1


def _context(ids: tuple[int, ...]) -> Context:
    rows = torch.tensor([*ids, 0], dtype=torch.float32).view(1, -1, 1) / 100
    mask = torch.ones(1, len(ids) + 1, dtype=torch.int64)
    mask[:, -1] = 0
    return Context(rows, mask, torch.tensor([len(ids) + 1]))


def engine_of(kit: Any, **options: Any) -> Engine:
    """An engine for the families of `kit`, which knows their nets."""
    return Engine(getattr(kit, "kits", (kit,)), kit.nets, **options)


def flash(prompt: str = "a red fox", *seeds: int, side: int = 64) -> FlashTextToImage:
    return FlashTextToImage(prompt=prompt, width=side, height=side, seeds=seeds or (1,))


def full(prompt: str = "a blue boat", *seeds: int, side: int = 64, **fields: object) -> TextToImage:
    return TextToImage.model_validate(
        {"prompt": prompt, "width": side, "height": side, "seeds": seeds or (1,), "steps": 50, **fields}
    )


def finish(engine: Engine, turns: int = 1000) -> dict[int, list[object]]:
    """Runs until nothing is live; the events of every job in order."""
    told: dict[int, list[object]] = {}
    for _ in range(turns):
        if not len(engine):
            return told
        for job_id, event in engine.turn():
            told.setdefault(job_id, []).append(event)
    raise AssertionError(f"{len(engine)} runs are still live after {turns} turns")


def pictures(events: list[object]) -> Tensor:
    """Pixels [B, H, W, 3] of a job that came through."""
    drawn = events[-1]
    assert isinstance(drawn, Drawn), drawn
    return torch.stack(drawn.drawing.pictures)
