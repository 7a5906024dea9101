"""Mistakes that only a card would show, planted on purpose: the pretended one shows them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.policy import device_policy
from inference.families.kandinsky import inventory
from inference.families.kandinsky import kit as kit_module
from inference.families.kandinsky.nets import fast_movq
from inference.families.kandinsky.sampling import stack_next
from inference.requests import Kind
from tests.inference.engine.kinds import request
from tests.inference.pretended.card import Card, Cards
from tests.inference.pretended.studio import Made, Studio, Weights, draw, draw_by_rules, faults, on_cpu, studio

Plant = Callable[[pytest.MonkeyPatch], None]


def t_left_behind(patched: pytest.MonkeyPatch) -> None:
    denoise = kit_module.denoise
    patched.setattr(kit_module, "denoise", lambda net, x, t, *rest: denoise(net, x, t.cpu(), *rest))


def noise_left_behind(patched: pytest.MonkeyPatch) -> None:
    flash = sys.modules["inference.families.kandinsky.pipelines.flash"]
    patched.setattr(flash, "stack_next", lambda streams, _device: stack_next(streams))


def scale_left_behind(patched: pytest.MonkeyPatch) -> None:
    residuals = kit_module.control_residuals

    def scaled(*given: Any) -> tuple[Tensor, ...]:
        *others, scale = given
        return tuple(scale[:, None, None, None] * one for one in residuals(*others, torch.ones_like(scale)))

    patched.setattr(kit_module, "control_residuals", scaled)


def latent_not_cast(patched: pytest.MonkeyPatch) -> None:
    def decode(movq: Any, latents: Tensor) -> Tensor:
        return torch.cat([movq.decode(z[None], force_not_quantize=True).sample.float() for z in latents])

    patched.setattr(kit_module, "decode", decode)


def picture_not_brought_home(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Studio, "decode", lambda kit, latent: kit_module.to_uint8(kit.to_pixels(latent)).permute(1, 2, 0))


MUTANTS: dict[str, tuple[Plant, Kind, str]] = {
    "t left on the CPU": (t_left_behind, "flash", "same device"),
    "noise left on the CPU": (noise_left_behind, "flash", "same device"),
    "scale left on the CPU": (scale_left_behind, "depth", "same device"),
    "a latent that was not cast": (latent_not_cast, "flash", "type"),
    "a picture that was not brought home": (picture_not_brought_home, "flash", "not at home"),
}
HALF = {"movq": "bfloat16"}  # so that the latents differ from the decoder


@pytest.fixture(scope="module")
def cards() -> Cards:
    return Cards(Card())


@pytest.fixture(scope="module")
def card(weights: Weights, cards: Cards) -> Iterator[Studio]:
    with studio(weights, cards, formats=HALF) as card:
        pass
    yield card


def complaints(card: Studio, cards: Cards, kind: Kind, expected: Made) -> str:
    """What the card has against a request, "" for nothing."""
    with cards:
        torch.backends.cudnn.allow_tf32 = False
        try:
            made = draw(card, request(kind, 1), cards=cards, previews=False)
        except AssertionError as failed:
            return str(failed)
    return "; ".join(faults(made, expected))


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_mistake_is_found(
    weights: Weights, card: Studio, cards: Cards, monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    plant, kind, words = MUTANTS[mutant]
    expected = draw_by_rules(on_cpu(weights, card.policy, by_rules=True), request(kind, 1))
    assert complaints(card, cards, kind, expected) == ""
    with monkeypatch.context() as planted:
        plant(planted)
        assert words in complaints(card, cards, kind, expected)


def test_maps_that_are_viewed_as_if_a_norm_kept_their_layout_are_found(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder as it was before a card was pretended."""

    def viewing(norm: Any, features: Tensor, latent: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        h, w = latent.shape[-2:]
        scale, shift = (conv(latent).view(batch, channels, h, 1, w, 1) for conv in (norm.conv_y, norm.conv_b))
        normed = norm.norm_layer(features).view(batch, channels, h, height // h, w, width // w)
        return torch.addcmul(shift, normed, scale).view(features.shape)

    monkeypatch.setattr(fast_movq, "_broadcast_norm", viewing)
    monkeypatch.setattr(inventory, "_laid_out", lambda net, policy: net.to(memory_format=torch.channels_last))
    unread, cards = replace(weights, read={}), Cards(Card())
    plain = draw(on_cpu(unread, device_policy("cpu"), by_rules=False), request("flash", 1), previews=False)
    assert len(plain.pictures) == 1  # the CPU draws with it
    with studio(unread, cards) as card:
        pass
    assert "view size is not compatible" in complaints(card, cards, "flash", plain)
