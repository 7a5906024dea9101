"""Sequences written token by token, those of different runs in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inference.families.rudalle.image_prompts import ImagePrompt
from inference.families.rudalle.nets.attention import Cache, Step, Whole
from inference.families.rudalle.nets.decoder import BEGIN
from inference.families.rudalle.sampling import Sampling, TokenNoise, chances, choose, perplexity, surprise


@dataclass(eq=False)
class Drawing:
    """Sequences of one run that are written in step, one in each of `slots` of a cache.

    The token at place `at` is known and is the next to be read; what comes after it is one of `vocabulary`, drawn by
    lot unless its place is `given`, up to place `end`. `surprises` has that of every token so far, each [B]; where the
    net gave no number, neither is that one.
    """

    slots: Sequence[int]
    at: int
    end: int
    vocabulary: range
    sampling: Sampling
    noise: Sequence[TokenNoise]
    given: frozenset[int] = frozenset()
    surprises: list[Tensor] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.at + 1 >= self.end


@torch.inference_mode()
def begin(
    decoder: Any,
    cache: Cache,
    slots: Sequence[int],
    text: Sequence[int],
    vocabulary: range,
    sampling: Sampling,
    noise: Sequence[TokenNoise],
    prompt: ImagePrompt | None = None,
) -> Drawing:
    """Reads a text once for all its pictures, each of which has one of `slots` and its own noise.

    Codes of a prompt are read with the text as far as there is none to be drawn before them. `vocabulary` is that of
    pictures (`decoder.pictures`), or as much of it as the codec knows.
    """
    picture = cache.layout.picture
    ids = cache.ids[slots[0]]  # a view
    ids.zero_()
    ids[: picture.start] = torch.tensor([BEGIN] * cache.layout.shifted + [*text], device=ids.device)
    given = torch.zeros(len(picture), dtype=torch.bool)
    if prompt is not None:
        given = prompt.given.flatten().cpu()
        ids[picture.start : picture.stop] = prompt.codes.flatten().to(ids.device) * given.to(ids.device)
    ahead = int(given.cumprod(0).sum())
    at = picture.start - 1 + ahead
    whole = Whole(cache.layout, 0, cache, slots[:1])
    features = decoder(ids[None, :at], torch.arange(at, device=ids.device), whole)[0, picture.start - 1 :]
    cache.copy(slots[0], slots[1:], at)
    surprises = surprise(decoder.logits(features, vocabulary), ids[picture.start : picture.start + ahead])
    places = frozenset((given.nonzero()[:, 0] + picture.start).tolist())
    each = [one.expand(len(slots)) for one in surprises]
    return Drawing(slots, at, picture.stop, vocabulary, sampling, noise, places, each)


@torch.inference_mode()
def advance(decoder: Any, cache: Cache, drawings: Sequence[Drawing]) -> None:
    """One more token for every sequence of `drawings`, in one pass, wherever each of them stands."""
    right = cache.layout.text + cache.layout.grid**2
    drawings = sorted(drawings, key=lambda drawing: drawing.at >= right)
    sizes = [len(drawing.slots) for drawing in drawings]
    narrow = sum(size for size, drawing in zip(sizes, drawings, strict=True) if drawing.at < right)
    rows = [(slot, drawing.at) for drawing in drawings for slot in drawing.slots]
    slots, positions = torch.tensor(rows).to(cache.ids.device, non_blocking=True).unbind(1)
    features = decoder(cache.ids[slots, positions][:, None], positions[:, None], Step(cache, slots, positions, narrow))
    logits = {one: decoder.logits(features[:, 0], one) for one in {drawing.vocabulary for drawing in drawings}}
    end = 0
    for drawing, size in zip(drawings, sizes, strict=True):
        its = slice(end, end := end + size)
        _write(cache, drawing, slots[its], logits[drawing.vocabulary][its])


def _write(cache: Cache, drawing: Drawing, slots: Tensor, logits: Tensor) -> None:
    drawing.at += 1
    if drawing.at not in drawing.given:
        cache.ids[slots, drawing.at] = choose(chances(logits, drawing.sampling), drawing.noise)
    drawing.surprises.append(surprise(logits, cache.ids[slots, drawing.at]))


def generate(
    decoder: Any,
    cache: Cache,
    text: Sequence[int],
    vocabulary: range,
    sampling: Sampling,
    noise: Sequence[TokenNoise],
    prompt: ImagePrompt | None = None,
) -> tuple[Tensor, Tensor]:
    """The codes [B, n, n] of a picture of `text` for each stream of noise, and their perplexities [B].

    As many at once as the cache has slots. The published function then sorts by perplexity, the smallest first.
    """
    codes, measures = [], []
    for start in range(0, len(noise), cache.slots):
        batch = noise[start : start + cache.slots]
        drawing = begin(decoder, cache, range(len(batch)), text, vocabulary, sampling, batch, prompt)
        while not drawing.done:
            advance(decoder, cache, [drawing])
        codes.append(drawn(cache, drawing))
        measures.append(perplexity(torch.stack(drawing.surprises[1:], 1)))
    return torch.cat(codes), torch.cat(measures)


def drawn(cache: Cache, drawing: Drawing) -> Tensor:
    """The codes [B, n, n] of the pictures of a drawing; 0 where nothing has been drawn yet."""
    layout = cache.layout
    codes = cache.ids[list(drawing.slots), layout.picture.start : layout.picture.stop]
    return codes.view(-1, layout.grid, layout.grid)


@torch.inference_mode()
def score(decoder: Any, ids: Tensor, vocabulary: range) -> Tensor:
    """The logits [B, S, V] after each token of whole sequences `ids` [B, S], without a cache."""
    features = decoder(ids, torch.arange(ids.shape[1], device=ids.device), Whole(decoder.config.layout))
    logits: Tensor = decoder.logits(features, vocabulary)
    return logits
