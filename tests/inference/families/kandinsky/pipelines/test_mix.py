"""Variations and mixtures, answered by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.asks import Show
from inference.families.kandinsky.asks import Decode, Denoise, EmbedImages, Encode, ImageTokens
from inference.families.kandinsky.sampling import ddpm_timesteps
from inference.requests import FlashMix, Mix, Note
from tests.inference.families.kandinsky.pipelines.adapted import GREY, Desk, of, passes, play
from tests.inference.families.kandinsky.pipelines.by_request import draw, steps

BRIGHT, DARK = (torch.full((20, 30, 3), shade, dtype=torch.uint8) for shade in (255, 51))


def desk_and(kind: type[Mix | FlashMix], *weights: float, **fields: Any) -> tuple[Desk, Any]:
    desk = Desk()
    images = tuple(desk.put(n, picture, weight) for n, (picture, weight) in enumerate(zip((BRIGHT, DARK), weights)))  # noqa: B905
    given = {"prompt": "", "width": 64, "height": 128, "seeds": (1, 2), "images": images, **fields}
    return desk, kind(**given)


def test_a_mixture_is_the_weighed_sum_of_the_pictures_as_the_weights_are() -> None:
    desk, request = desk_and(Mix, 0.5, 1.25, steps=5)
    asks, _ = play(draw(request, desk))
    assert [None if it is None else it.shape for it in of(EmbedImages, asks)[0].pictures] == [(20, 30, 3)] * 2 + [None]
    mixed, unconditional = of(ImageTokens, asks)[0].embeddings
    torch.testing.assert_close(mixed, torch.tensor([0.5 * 1.0 + 1.25 * 0.2, 0.5 + 1.25]))
    assert torch.equal(unconditional, GREY)
    for ask in of(Denoise, asks):
        assert [tokens[0, 0].tolist() for tokens in ask.image_tokens] == [mixed.tolist(), GREY.tolist()]
        assert (ask.unet, ask.image_scale, ask.structure, len(ask.contexts)) == ("mix", 1.0, None, 2)


def test_the_run_arrives_where_the_net_points_in_the_published_times() -> None:
    desk, request = desk_and(Mix, 1.0, steps=8)
    asks, drawing = play(draw(request, desk), target=0.25)
    assert [ask.t for ask in of(Denoise, asks)] == ddpm_timesteps(8)
    for ask in of(Decode, asks):
        torch.testing.assert_close(ask.latent, torch.full((4, 16, 8), 0.25), atol=1e-3, rtol=0)
    assert len(drawing.pictures) == 2 and drawing.notes == ()
    assert all(ask.x0.abs().max() <= 1 for ask in of(Show, asks)) and len(of(Show, asks)) == 8


def test_a_picture_without_words_gets_the_published_ones() -> None:
    for prompt, expected in (("", "4k photo"), ("  ", "4k photo"), ("a fox", "a fox")):
        for kind in (Mix, FlashMix):
            desk, request = desk_and(kind, 1.0, prompt=prompt)
            assert of(Encode, play(draw(request, desk))[0])[0].texts[0] == desk.tokenize(expected).ids


def test_guidance_leads_away_from_the_empty_text_or_the_negative_one() -> None:
    for negative in ("", "blurry, ugly, and a very long complaint"):
        desk, request = desk_and(Mix, 1.0, prompt="fox", negative_prompt=negative, steps=2)
        encode = of(Encode, play(draw(request, desk))[0])[0]
        assert encode.texts == (desk.tokenize("fox").ids, desk.tokenize(negative).ids)
        assert (encode.unet, encode.rule, encode.whole_negatives) == ("mix", "ip_adapter", True)
    official = request.model_copy(update={"negative_mode": "official"})
    assert not of(Encode, play(draw(official, desk))[0])[0].whole_negatives


def test_without_guidance_only_the_conditional_half_is_computed() -> None:
    desk, request = desk_and(Mix, 1.0, guidance_scale=0.0, negative_prompt="x" * 200, steps=3)
    asks, drawing = play(draw(request, desk))
    assert len(of(Encode, asks)[0].texts) == len(of(EmbedImages, asks)[0].pictures) == 1
    assert {(len(ask.contexts), len(ask.image_tokens)) for ask in of(Denoise, asks)} == {(1, 1)}
    assert drawing.notes == ()


def test_flash_takes_the_adapter_in_four_steps_and_says_that_this_is_an_experiment() -> None:
    desk, request = desk_and(FlashMix, 1.0, image_scale=0.7)
    asks, drawing = play(draw(request, desk))
    assert [ask.t for ask in of(Denoise, asks)] == [979, 729, 479, 229]
    assert {(ask.unet, ask.image_scale, len(ask.contexts)) for ask in of(Denoise, asks)} == {("mix_flash", 0.7, 1)}
    assert of(Encode, asks)[0].rule == "kandinsky31" and len(of(EmbedImages, asks)[0].pictures) == 1
    assert drawing.notes == (Note(code="experimental"),)


@pytest.mark.parametrize("kind", [Mix, FlashMix])
def test_each_variation_takes_as_much_of_the_picture_as_is_said_of_it(kind: type[Mix | FlashMix]) -> None:
    desk, request = desk_and(kind, 1.0, each=(1.2, 0.8))
    asks = of(Denoise, play(draw(request, desk))[0])
    assert {ask.image_scales for ask in asks} == {(1.2, 0.8)}
    assert [(len(part.x), part.image_scales) for part in asks[0].parts(1)] == [(1, (1.2,)), (1, (0.8,))]
    (alone, *_) = of(Denoise, play(draw(request.alone(1), desk))[0])
    assert alone.image_scales == (0.8,)
    assert torch.equal(alone.x, asks[0].x[1:])


@pytest.mark.parametrize("kind", [Mix, FlashMix])
def test_the_number_of_steps_is_known_beforehand(kind: type[Mix | FlashMix]) -> None:
    for fields in ({}, {"steps": 33}, {"steps": 3, "guidance_scale": 0.0}) if kind is Mix else ({},):
        desk, request = desk_and(kind, 1.0, 1.0, **fields)
        assert passes(play(draw(request, desk))[0]) == steps(request)


@pytest.mark.parametrize("kind", [Mix, FlashMix])
def test_every_seed_has_its_own_noise_whatever_its_neighbours(kind: type[Mix | FlashMix]) -> None:
    def states(**fields: Any) -> Tensor:
        desk, request = desk_and(kind, 1.0, **fields)
        return torch.stack([ask.x for ask in of(Denoise, play(draw(request, desk))[0])])

    both, second = states(), states(seeds=(2,))
    assert torch.equal(both[:, 1:], second) and not torch.equal(both[:, :1], second)
