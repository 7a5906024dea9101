"""Choosing a token by lot, and how surprising what was chosen is.

Every picture has a stream of noise of its own, so that it depends neither on the device, nor on what is drawn with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from inference.engine.seeds import generator


@dataclass(frozen=True, slots=True)
class Sampling:
    """Only the `top_k` likeliest tokens may come (0: all), of those the likeliest that together have a chance of
    `top_p` (above 1: all), after logits have been divided by `temperature`."""

    top_k: int
    top_p: float
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.top_k < 0 or not self.top_p >= 0 or not 0 < self.temperature < float("inf"):
            raise ValueError(f"nothing can be drawn with {self}")


class TokenNoise:
    """The noise stream of one picture: every `next` draws float32 [size] on the CPU, exponentially distributed."""

    def __init__(self, seed: int) -> None:
        self._generator = generator(seed)

    def next(self, size: int) -> Tensor:
        return torch.empty(size).exponential_(generator=self._generator)


def chances(logits: Tensor, sampling: Sampling) -> Tensor:
    """The probability [B, V] of each token, 0 for those that may not come, as transformers' `top_k_top_p_filtering`
    had it: what ties with the last of the likeliest may come, and so may the one that reaches `top_p`."""
    logits = logits / sampling.temperature
    if sampling.top_k:
        last = logits.topk(min(sampling.top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits < last, -torch.inf)
    if sampling.top_p <= 1:
        ordered, order = logits.sort(descending=True)
        reached = ordered.softmax(-1).cumsum(-1)
        beyond = torch.cat([torch.zeros_like(reached[..., :1]), reached[..., :-1]], -1) > sampling.top_p
        logits = logits.masked_fill(torch.zeros_like(beyond).scatter(-1, order, beyond), -torch.inf)
    return logits.softmax(-1)


def choose(probabilities: Tensor, noise: Sequence[TokenNoise]) -> Tensor:
    """A token [B] for each row of `probabilities` [B, V] by its own noise, as torch's `multinomial` draws on the
    CPU."""
    lots = torch.stack([stream.next(probabilities.shape[-1]) for stream in noise]).to(probabilities.device)
    return (probabilities / lots).where(probabilities > 0, 0).argmax(-1)  # a lot may be 0, and 0/0 would win


def surprise(logits: Tensor, tokens: Tensor) -> Tensor:
    """How little `tokens` [...] were to be expected by `logits` [..., V], in nats: their cross entropy."""
    return cross_entropy(logits.flatten(0, -2), tokens.flatten(), reduction="none").view(tokens.shape)


def perplexity(surprises: Tensor) -> Tensor:
    """The published measure of sequences, [B], by the surprise of their tokens [B, N], of which the first of a picture
    is not one: the mean of exponentials, not the exponential of a mean, and without tokens that were certain."""
    uncertain = surprises != 0
    return (surprises.exp() * uncertain).sum(-1) / uncertain.sum(-1).clamp(min=1)
