"""The pipelines, answered by hand: what they ask for, in which order, and what they make of the answers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inference.engine.asks import Aside, Drawing, Pipeline, Show
from inference.families.kandinsky.asks import Decode, Denoise, Encode
from inference.families.kandinsky.conditioning import EOS, Context, Tokens
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.requests import FlashTextToImage, Note, Request, TextToImage
from tests.inference.families.kandinsky.pipelines.by_request import draw, steps

CONTEXT = Context(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.int64), torch.tensor([3]))
NULL = Context(torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.int64), torch.tensor([1]))


class Words:
    """A tokeniser that counts letters, as pipelines see it."""

    device = torch.device("cpu")

    def tokenize(self, text: str) -> Tokens:
        ids = (*(3 + ord(letter) % 50 if letter.isascii() else 2 for letter in text), EOS)
        return Tokens(ids[:127] + ids[-1:] if len(ids) > 128 else ids, len(ids), text[127:] if len(ids) > 128 else "")


def perfect(x: Tensor, target: Tensor, t: int) -> Tensor:
    """The noise prediction that leads from x straight to the target."""
    alpha = alphas_cumprod()[t]
    return (x - alpha.sqrt() * target) / (1 - alpha).sqrt()


def answer(pipeline: Pipeline, target: Tensor, unconditional: float = 0.0) -> tuple[list[object], Drawing]:
    """Plays the nets: every prediction points at `target`, the unconditional one `unconditional` beside it."""
    asks: list[object] = []
    reply: object = None
    while True:
        try:
            ask = pipeline.send(reply)
        except StopIteration as end:
            return asks, end.value
        asks.append(ask)
        match ask:
            case Encode():
                reply = tuple(NULL if ids is None else CONTEXT for ids in ask.texts)
            case Denoise():
                eps = perfect(ask.x, target.expand_as(ask.x), ask.t)
                reply = tuple(eps + unconditional * number for number, _ in enumerate(ask.contexts))
            case Decode():
                reply = (ask.latent.mean() * 100 + 100).to(torch.uint8).expand(64, 64, 3)
            case _:
                reply = None


def of(kind: type, asks: list[object]) -> list:  # type: ignore[type-arg]
    return [ask for ask in asks if isinstance(ask, kind)]


FLASH = FlashTextToImage(prompt="a fox", width=64, height=128, seeds=(1, 2))
FULL = TextToImage(prompt="a fox", width=64, height=128, seeds=(1, 2), steps=10)


def test_flash_arrives_where_the_net_points_in_its_four_times() -> None:
    target = torch.full((4, 16, 8), 0.5)
    asks, drawing = answer(draw(FLASH, Words()), target)
    assert [ask.t for ask in of(Denoise, asks)] == [979, 729, 479, 229]
    assert all(ask.unet == "flash" and ask.contexts == (CONTEXT,) for ask in of(Denoise, asks))
    for ask in of(Decode, asks):
        torch.testing.assert_close(ask.latent, target, atol=1e-4, rtol=0)
    assert len(drawing.pictures) == 2 and drawing.notes == ()


def test_the_full_sampler_arrives_where_the_net_points() -> None:
    target = torch.full((4, 16, 8), -0.5)
    asks, _ = answer(draw(FULL, Words()), target)
    assert [ask.t for ask in of(Denoise, asks)] == list(range(999, 0, -100))
    for ask in of(Decode, asks):  # the last step lands at noise level 0, which still holds 0.6 % of noise
        torch.testing.assert_close(ask.latent, target, atol=0.01, rtol=0)


def test_guidance_leads_away_from_the_unconditional_prediction() -> None:
    target = torch.zeros(4, 16, 8)
    asks, _ = answer(draw(FULL, Words()), target, unconditional=0.1)
    first = of(Denoise, asks)[-1]
    assert first.contexts == (CONTEXT, NULL)
    # e = (w + 1)·e_c − w·(e_c + 0.1) = e_c − 0.3: less noise taken out, so every latent ends higher
    assert all(ask.latent.mean() > 0.001 for ask in of(Decode, asks))


@pytest.mark.parametrize("request_", [FLASH, FULL, FULL.model_copy(update={"steps": 64, "guidance_scale": 0.0})])
def test_the_number_of_steps_is_known_beforehand(request_: Request) -> None:
    asks, _ = answer(draw(request_, Words()), torch.zeros(4, 16, 8))
    assert len([ask for ask in asks if not isinstance(ask, Aside)]) == steps(request_)


def test_every_seed_has_its_own_noise_whatever_its_neighbours() -> None:
    def noise(request: Request) -> Tensor:
        return torch.stack([ask.x for ask in of(Denoise, answer(draw(request, Words()), torch.zeros(4, 16, 8))[0])])

    for request in (FLASH, FULL):
        both, second = noise(request), noise(request.model_copy(update={"seeds": (2,)}))
        assert torch.equal(both[:, 1:], second)
        assert not torch.equal(both[:, :1], second)


def test_zero_guidance_asks_for_no_unconditional_half() -> None:
    request = FULL.model_copy(update={"guidance_scale": 0.0, "negative_prompt": "blurry" * 50})
    asks, drawing = answer(draw(request, Words()), torch.zeros(4, 16, 8))
    assert len(of(Encode, asks)[0].texts) == 1
    assert {len(ask.contexts) for ask in of(Denoise, asks)} == {1}
    assert drawing.notes == ()  # a negative prompt that is not used need not be complained about


def test_a_negative_prompt_stands_in_for_the_null_embedding() -> None:
    words = Words()
    request = FULL.model_copy(update={"negative_prompt": "blurry, ugly"})
    positive, sane = of(Encode, answer(draw(request, words), torch.zeros(4, 16, 8))[0])[0].texts
    assert positive == words.tokenize("a fox").ids
    assert sane == words.tokenize("blurry, ugly").ids
    official = request.model_copy(update={"negative_mode": "official"})
    _, cut = of(Encode, answer(draw(official, words), torch.zeros(4, 16, 8))[0])[0].texts
    assert cut == (*sane[: len(positive) - 1], EOS)


def test_cut_prompts_and_unknown_words_are_reported_with_what_was_lost() -> None:
    request = FULL.model_copy(update={"prompt": "x" * 130, "negative_prompt": "y" * 127 + "tail"})
    _, drawing = answer(draw(request, Words()), torch.zeros(4, 16, 8))
    assert drawing.notes == (Note(code="prompt_cut", detail="xxx"), Note(code="negative_cut", detail="tail"))
    _, drawing = answer(draw(FLASH.model_copy(update={"prompt": "лиса"}), Words()), torch.zeros(4, 16, 8))
    assert drawing.notes == (Note(code="unknown_tokens", detail="4"),)


def test_previews_show_the_thresholded_estimate() -> None:
    asks, _ = answer(draw(FULL, Words()), torch.full((4, 16, 8), 7.0))
    assert all(ask.x0.abs().max() <= 1.0 for ask in of(Show, asks))
