"""Pictures drawn token by token: alone, together, around a prompt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from inference.families.rudalle.drawing import Drawing, advance, begin, drawn, generate, score
from inference.families.rudalle.image_prompts import Borders, ImagePrompt, given_cells
from inference.families.rudalle.nets.attention import Cache
from inference.families.rudalle.nets.layout import Layout
from inference.families.rudalle.sampling import Sampling, TokenNoise, perplexity, surprise
from tests.inference.families.rudalle.tiny import LAYOUTS, TEXT, decoder

LIVELY, BOLD = Sampling(9, 0.9, 1.2), Sampling(0, 2)
EACH = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def noise(*seeds: int) -> list[TokenNoise]:
    return [TokenNoise(seed) for seed in seeds]


def logits_of(net: Any, codes: Tensor) -> Tensor:
    """The logits [B, n², V] before each code, in one pass over everything."""
    layout: Layout = net.config.layout
    front = torch.tensor([2] * layout.shifted + [*TEXT]).expand(len(codes), -1)
    ids = torch.cat([front, codes.flatten(1)], 1)
    return score(net, ids[:, :-1], net.pictures)[:, layout.picture.start - 1 :]


@EACH
def test_a_picture_depends_on_its_seed_alone(layout: Layout) -> None:
    net = decoder(layout)
    together, measures = generate(net, Cache(net.config, 3), TEXT, net.pictures, LIVELY, noise(1, 2, 3, 4))
    alone, measure = generate(net, Cache(net.config, 1), TEXT, net.pictures, LIVELY, noise(4))
    assert torch.equal(together[3:], alone)
    torch.testing.assert_close(measures[3:], measure)
    assert len(together.flatten(1).unique(dim=0)) == 4


@EACH
def test_perplexities_met_on_the_way_are_those_of_one_pass(layout: Layout) -> None:
    net = decoder(layout)
    codes, measures = generate(net, Cache(net.config, 2), TEXT, net.pictures, LIVELY, noise(5, 6))
    surprises = surprise(logits_of(net, codes), codes.flatten(1))
    torch.testing.assert_close(measures, perplexity(surprises[:, 1:]), rtol=1e-4, atol=0)


def finish(net: Any, cache: Cache, *drawings: Drawing) -> None:
    while waiting := [drawing for drawing in drawings if not drawing.done]:
        advance(net, cache, waiting)


@EACH
def test_a_newcomer_joins_at_the_next_pass_and_disturbs_nobody(layout: Layout) -> None:
    net = decoder(layout)
    cache = Cache(net.config, 5)
    other = (2, 8, 3, 0, 0)
    first = begin(net, cache, (4, 1), TEXT, net.pictures, LIVELY, noise(1, 2))
    for _ in range(4):
        advance(net, cache, [first])
    second = begin(net, cache, (0,), other, net.pictures[:7], BOLD, noise(3))
    finish(net, cache, second, first)
    expected, _ = generate(net, Cache(net.config, 2), TEXT, net.pictures, LIVELY, noise(1, 2))
    assert torch.equal(drawn(cache, first), expected)
    expected, _ = generate(net, Cache(net.config, 1), other, net.pictures[:7], BOLD, noise(3))
    assert torch.equal(drawn(cache, second), expected)
    assert expected.max() < 7


def test_a_slot_that_a_cancelled_run_has_left_is_as_good_as_new() -> None:
    net = decoder(LAYOUTS["v3"])
    cache = Cache(net.config, 1)
    left = begin(net, cache, (0,), (2, 3, 3, 3, 3), net.pictures, BOLD, noise(9))
    for _ in range(6):
        advance(net, cache, [left])
    for kept in (*cache.keys, *cache.values):
        kept[cache.layout.text + 6 :] = torch.nan
    expected, _ = generate(net, Cache(net.config, 1), TEXT, net.pictures, LIVELY, noise(4))
    assert torch.equal(generate(net, cache, TEXT, net.pictures, LIVELY, noise(4))[0], expected)


@EACH
@pytest.mark.parametrize("borders", [Borders(up=2), Borders(down=1, left=1), Borders(up=1, right=2), Borders(up=3)])
def test_given_cells_are_kept_and_the_rest_follows_from_them(layout: Layout, borders: Borders) -> None:
    net = decoder(layout)
    codes = torch.randint(0, 13, (3, 3), generator=torch.Generator().manual_seed(3))
    given = given_cells(borders, 3)
    greedy = Sampling(1, 2)
    prompt = ImagePrompt(codes, given)
    pictures, measures = generate(net, Cache(net.config, 2), TEXT, net.pictures, greedy, noise(0, 1), prompt)
    assert torch.equal(pictures[0], pictures[1])
    assert torch.equal(pictures[0][given], codes[given])
    logits = logits_of(net, pictures)
    assert torch.equal(pictures.flatten(1)[:, ~given.flatten()], logits.argmax(-1)[:, ~given.flatten()])
    expected = perplexity(surprise(logits, pictures.flatten(1))[:, 1:])
    torch.testing.assert_close(measures, expected, rtol=1e-4, atol=0)


def test_what_is_not_drawn_yet_is_empty() -> None:
    net = decoder(LAYOUTS["v3"])
    cache = Cache(net.config, 2)
    generate(net, cache, TEXT, net.pictures, BOLD, noise(1, 2))
    drawing = begin(net, cache, (1, 0), TEXT, net.pictures, BOLD, noise(3, 4))
    for _ in range(5):
        advance(net, cache, [drawing])
    assert not drawn(cache, drawing).flatten(1)[:, 5:].any()
    assert len(drawing.surprises) == 5


def test_where_the_net_gives_no_number_neither_is_the_surprise() -> None:
    net = decoder(LAYOUTS["v3"])
    net.to_logits[1].weight[30] = torch.nan
    _, measures = generate(net, Cache(net.config, 1), TEXT, net.pictures, LIVELY, noise(1))
    assert measures.isnan().all()
