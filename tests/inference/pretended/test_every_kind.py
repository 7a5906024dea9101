"""Every kind of request on a pretended card: drawn, at home at the end, as the CPU draws it, and without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from inference.families.kandinsky.pipelines import enlarging
from inference.requests import Kind
from tests.inference.engine.kinds import KINDS, request, tiled
from tests.inference.pretended.card import GB, Card, Cards
from tests.inference.pretended.studio import (
    FLOAT32,
    Studio,
    Weights,
    draw,
    draw_by_rules,
    faults,
    on_cpu,
    studio,
)

# Where the host may wait for the card in the middle of a run's steps, and why.
WAITS = {
    "families/kandinsky/kit.py:colours": "a preview of latents, once a second at most",
    "engine/previews.py:pixel_colours": "a preview of pixels, likewise",
    "families/language/model.py:_scores": "a token must be known before the next one",
    "families/kandinsky/pipelines/upscale.py:_finished": "the picture is brought home at the last step",
    "engine/run.py:unsound": "the run is over, and whether numbers came of it is asked for",
    "engine/device.py:between": "the run is over, and its time is asked for",
}
WAITS_FOR_RAM = {  # panoramas too large for the card lie in RAM
    "families/kandinsky/sampling/windows.py:add_to": "every window comes home",
    "families/kandinsky/pipelines/enlarging.py:_paste": "and its small look",
}

FEWER: dict[Kind, dict[str, Any]] = {
    kind: {"steps": 2} for kind in ("full", "inpaint", "mix", "hed", "depth", "scribble")
}


@dataclass(frozen=True)
class Pair:
    """A card, and the CPU in its formats: under its rules, and as it is."""

    cards: Cards
    card: Studio
    ruled: Studio
    plain: Studio


@pytest.fixture(scope="module")
def float32(weights: Weights) -> Iterator[Pair]:
    cards = Cards(Card())
    with studio(weights, cards, formats=FLOAT32) as card:
        policy = card.policy
    yield Pair(cards, card, on_cpu(weights, policy, by_rules=True), on_cpu(weights, policy, by_rules=False))


@pytest.fixture(scope="module")
def bfloat16(weights: Weights) -> Iterator[Pair]:
    cards = Cards(Card())
    with studio(weights, cards) as card:
        policy = card.policy
    yield Pair(cards, card, on_cpu(weights, policy, by_rules=True), on_cpu(weights, policy, by_rules=False))


@pytest.mark.parametrize("kind", KINDS)
def test_alone_in_float32_it_is_the_cpus_picture_and_no_step_waits(float32: Pair, kind: Kind) -> None:
    asked = request(kind, 1, **FEWER.get(kind, {}))
    with float32.cards:
        torch.backends.cudnn.allow_tf32 = False
        made = draw(float32.card, asked, cards=float32.cards)
    assert faults(made, draw_by_rules(float32.ruled, asked)) == []
    assert faults(made, draw(float32.plain, asked), within=0.5) == []
    assert made.waits <= WAITS.keys()
    assert float32.cards.relaid == 0  # nor does a norm have to copy its maps into the layout it knows


@pytest.mark.parametrize("kind", KINDS)
def test_two_of_a_kind_side_by_side_in_bfloat16(bfloat16: Pair, kind: Kind) -> None:
    fewer = FEWER.get(kind, {})
    asked = request(kind, 1, **fewer), request(kind, 2, number=1, prompt="blue boat on a lake", **fewer)
    with bfloat16.cards:
        torch.backends.cudnn.allow_tf32 = False
        made = draw(bfloat16.card, *asked, cards=bfloat16.cards, previews=False)
    assert faults(made, draw_by_rules(bfloat16.ruled, *asked)) == []


def test_a_panorama_in_ram_waits_only_for_its_windows(float32: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enlarging, "ROOM_ON_DEVICE", 0)
    with float32.cards:
        torch.backends.cudnn.allow_tf32 = False
        made = draw(float32.card, tiled(), cards=float32.cards)
    assert faults(made, draw_by_rules(float32.ruled, tiled())) == []
    assert WAITS_FOR_RAM.keys() <= made.waits <= WAITS.keys() | WAITS_FOR_RAM.keys()


TIERS = {
    "the second of two, and the better one": ([Card(4 * GB, major=7), Card(24 * GB, major=8)], "cuda:1"),
    "the first of two, without bfloat16": ([Card(16 * GB, major=7), Card()], "cuda:0"),
    "the smallest": ([Card(8 * GB, major=8)], "cuda:0"),
}


# One of every net and every way through MoVQ: its convolutions in bfloat16 take the CPU ten times as long.
EVERY_NET: tuple[Kind, ...] = ("flash", "inpaint", "hed", "scribble", "flash_x2", "beautify")


@pytest.mark.parametrize("tier", TIERS)
def test_all_kinds_at_once_in_the_formats_of_every_tier(weights: Weights, tier: str) -> None:
    given, device = TIERS[tier]
    kinds = KINDS if tier == "the second of two, and the better one" else EVERY_NET
    everything = [request(kind, 3, **FEWER.get(kind, {})) for kind in kinds]
    cards = Cards(*given)
    with studio(weights, cards, device) as card:
        made = draw(card, *everything, cards=cards)
        others = [one for number, one in enumerate(given) if number != card.policy.device.index]
        assert all(one.peak == 0 for one in others)
    assert faults(made, draw_by_rules(on_cpu(weights, card.policy, by_rules=True), *everything)) == []
    assert made.previews > 0
