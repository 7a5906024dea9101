"""Choosing tokens: against torch's own lot, and against the rule said slowly."""

from __future__ import annotations

import math

import pytest
import torch

from inference.families.rudalle.sampling import Sampling, TokenNoise, chances, choose, perplexity, surprise


def allowed_slowly(logits: list[float], sampling: Sampling) -> set[int]:
    scaled = [logit / sampling.temperature for logit in logits]
    order = sorted(range(len(scaled)), key=lambda token: -scaled[token])
    if sampling.top_k:
        last = scaled[order[min(sampling.top_k, len(order)) - 1]]
        order = [token for token in order if scaled[token] >= last]
    weights = [math.exp(scaled[token]) for token in order]
    before, kept = 0.0, set()
    for token, weight in zip(order, weights, strict=True):
        if sampling.top_p > 1 or before <= sampling.top_p * sum(weights):
            kept.add(token)
        before += weight
    return kept


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("top_p", [0.0, 0.3, 0.9, 2.0])
@pytest.mark.parametrize("top_k", [0, 1, 5, 99])
def test_only_the_likeliest_may_come(top_k: int, top_p: float, temperature: float) -> None:
    sampling = Sampling(top_k, top_p, temperature)
    logits = 2 * torch.randn(7, 24, generator=torch.Generator().manual_seed(top_k))
    for row, found in zip(logits, chances(logits, sampling), strict=True):
        allowed = allowed_slowly(row.tolist(), sampling)
        assert set(found.nonzero()[:, 0].tolist()) == allowed
        weights = (row / sampling.temperature).exp() * torch.tensor([token in allowed for token in range(24)])
        torch.testing.assert_close(found, weights / weights.sum())


def test_what_ties_with_the_last_of_the_likeliest_may_come() -> None:
    assert chances(torch.tensor([[1.0, 3.0, 1.0, 0.0]]), Sampling(2, 2)).count_nonzero() == 3


def test_a_token_is_the_one_that_torch_would_draw() -> None:
    probabilities = chances(torch.randn(1, 50, generator=torch.Generator().manual_seed(1)), Sampling(30, 0.9))
    stream, torchs = TokenNoise(7), torch.Generator().manual_seed(7)
    for _ in range(50):
        expected = torch.multinomial(probabilities, 1, generator=torchs)
        assert choose(probabilities, [stream]).tolist() == expected[:, 0].tolist()


def test_a_lot_of_zero_brings_nothing_that_may_not_come() -> None:
    class Zeros(TokenNoise):
        def next(self, size: int) -> torch.Tensor:
            return torch.tensor([0.0, 1.0, 0.5])

    assert choose(torch.tensor([[0.0, 0.6, 0.4]]), [Zeros(0)]).tolist() == [2]


def test_perplexity_is_a_mean_of_exponentials_without_what_was_certain() -> None:
    surprises = torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(perplexity(surprises), torch.tensor([(math.e + math.e**3) / 2, 0.0]))


def test_surprise_is_what_a_token_was_not_expected_by() -> None:
    logits, tokens = torch.randn(2, 3, 5), torch.tensor([[0, 1, 2], [4, 3, 2]])
    expected = -logits.softmax(-1).gather(-1, tokens[..., None])[..., 0].log()
    torch.testing.assert_close(surprise(logits, tokens), expected)
    assert surprise(logits[:, :0], tokens[:, :0]).shape == (2, 0)


@pytest.mark.parametrize(
    ("top_k", "top_p", "temperature"),
    [(-1, 1.0, 1.0), (1, -0.1, 1.0), (1, math.nan, 1.0), (1, 1.0, 0.0), (1, 1.0, math.nan), (1, 1.0, math.inf)],
)
def test_settings_that_nothing_can_be_drawn_with_are_refused(top_k: int, top_p: float, temperature: float) -> None:
    with pytest.raises(ValueError, match="nothing can be drawn"):
        Sampling(top_k, top_p, temperature)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_the_generator_would_cut_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        TokenNoise(seed)
