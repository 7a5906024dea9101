"""Pictures held to outlines or depth, answered by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from inference.families.kandinsky.asks import Denoise, EmbedImages, Encode, Outline
from inference.families.kandinsky.conditioning import EOS
from inference.requests import Control, InvalidRequest
from tests.inference.families.kandinsky.pipelines.adapted import Desk, of, passes, play
from tests.inference.families.kandinsky.pipelines.by_request import draw, steps

SOURCE = torch.zeros(100, 300, 3, dtype=torch.uint8)
SOURCE[:, 100:200] = 200  # the middle third, which is what a square takes


def desk_and(kind: str, *, styles: int = 0, **fields: Any) -> tuple[Desk, Control]:
    desk = Desk()
    looks = tuple(desk.put(number + 1, SOURCE, 0.5) for number in range(styles))
    image = desk.put(0, SOURCE)
    given = {"kind": kind, "prompt": "fox", "width": 64, "height": 64, "seeds": (1, 2), "steps": 4, "styles": looks}
    return desk, Control(**{**given, "image": image.model_dump(exclude={"weight"}), **fields})


def test_outlines_are_found_at_the_size_of_the_result_and_become_the_hint() -> None:
    for kind, variant, net in (("hed", "soft", None), ("scribble", "scribble", "control_scribble")):
        desk, request = desk_and(kind)
        asks, _ = play(draw(request, desk))
        (outline,) = of(Outline, asks)
        assert outline.variant == variant and outline.picture.shape == (64, 64, 3) and outline.picture.min() == 200
        for ask in of(Denoise, asks):
            assert ask.structure.net == net and ask.structure.scale == 1.0
            torch.testing.assert_close(ask.structure.hint, torch.full((1, 3, 64, 64), 0.4))


def test_the_same_hint_serves_every_step() -> None:
    desk, request = desk_and("scribble")
    assert len({id(ask.structure.hint) for ask in of(Denoise, play(draw(request, desk))[0])}) == 1


def test_a_drawn_hint_is_taken_as_it_is() -> None:
    desk, request = desk_and("depth", drawn=True, scale=0.5)
    asks, _ = play(draw(request, desk))
    assert not of(Outline, asks)
    for ask in of(Denoise, asks):
        assert (ask.unet, ask.structure.net, ask.structure.scale) == ("full", "control_depth", 0.5)
        torch.testing.assert_close(ask.structure.hint, torch.full((1, 3, 64, 64), 200 / 255))


def test_the_range_of_the_hint_can_be_another() -> None:
    desk, request = desk_and("depth", drawn=True, hint_range=(-1.0, 1.0))
    asks, _ = play(draw(request, desk))
    torch.testing.assert_close(of(Denoise, asks)[0].structure.hint.mean(), torch.tensor(2 * 200 / 255 - 1))


def test_depth_of_an_ordinary_picture_is_refused() -> None:
    desk, request = desk_and("depth")
    with pytest.raises(InvalidRequest) as refusal:
        play(draw(request, desk))
    assert refusal.value.field == "drawn"


@pytest.mark.parametrize(
    ("start", "end", "held"),
    [(0.0, 1.0, [0, 1, 2, 3]), (0.0, 0.5, [0, 1, 2]), (0.3, 0.74, [1, 2]), (0.0, 0.0, [0]), (1.0, 1.0, [])],
)
def test_start_and_end_are_both_included_and_the_control_net_rests_outside(
    start: float, end: float, held: list[int]
) -> None:
    desk, request = desk_and("scribble", start=start, end=end)
    asks = of(Denoise, play(draw(request, desk))[0])
    assert [index for index, ask in enumerate(asks) if ask.structure is not None] == held


def test_at_scale_zero_the_control_net_rests_altogether() -> None:
    desk, request = desk_and("scribble", scale=0.0)
    assert {ask.structure for ask in of(Denoise, play(draw(request, desk))[0])} == {None}


def test_a_style_is_the_look_of_other_pictures_in_the_same_passes() -> None:
    desk, request = desk_and("scribble", styles=2, style_scale=0.8, prompt="")
    asks, _ = play(draw(request, desk))
    (encode,) = of(Encode, asks)
    assert (encode.unet, encode.rule) == ("mix", "ip_adapter") and encode.texts[0] == desk.tokenize("4k photo").ids
    assert len(of(EmbedImages, asks)[0].pictures) == 3
    for ask in of(Denoise, asks):
        assert (ask.unet, ask.structure.net, ask.image_scale) == ("mix", "control_scribble", 0.8)
        assert len(ask.image_tokens) == len(ask.contexts) == 2


def test_texts_are_treated_as_each_published_pipeline_does() -> None:
    def encoded(kind: str, **fields: Any) -> Encode:
        desk, request = desk_and(kind, drawn=True, **fields)
        found: Encode = of(Encode, play(draw(request, desk))[0])[0]
        return found

    words = Desk().tokenize
    assert encoded("hed").texts == (words("fox").ids, None)
    assert encoded("hed", negative_prompt="blurry").texts[1] == words("blurry").ids
    assert (encoded("hed").unet, encoded("hed").rule) == ("hed", "hed")
    assert encoded("depth").texts == (words("fox").ids, (EOS,))
    assert (encoded("depth").unet, encoded("depth").rule) == ("full", "controlnet")
    official = encoded("depth", negative_prompt="blurry", negative_mode="official")
    assert official.texts[1] == (*words("blurry").ids[:4], EOS) and not official.whole_negatives
    assert encoded("depth", guidance_scale=0.0).texts == (words("fox").ids,)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("hed", {}), ("scribble", {"drawn": True}), ("scribble", {"styles": 1}), ("depth", {"drawn": True, "steps": 33})],
)
def test_the_number_of_steps_is_known_beforehand(kind: str, fields: dict[str, Any]) -> None:
    desk, request = desk_and(kind, **fields)
    assert passes(play(draw(request, desk))[0]) == steps(request)


def test_every_seed_has_its_own_noise_whatever_its_neighbours() -> None:
    def states(**fields: Any) -> torch.Tensor:
        desk, request = desk_and("hed", **fields)
        return torch.stack([ask.x for ask in of(Denoise, play(draw(request, desk))[0])])

    assert torch.equal(states()[:, 1:], states(seeds=(2,)))
