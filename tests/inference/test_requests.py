"""The contract: what it takes, what it refuses and by which name, and that nothing is lost on the way through JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inference.requests import (
    FLASH_STEPS,
    MAX_AREA,
    MAX_PICTURES,
    MAX_PROMPT_CHARS,
    AnyRequest,
    FlashTextToImage,
    InvalidRequest,
    Recipe,
    TextToImage,
    parse_request,
)

SIDES = st.integers(1, 32).map(lambda cells: 64 * cells)
DRAWINGS: dict[str, Any] = {
    "prompt": st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_PROMPT_CHARS),
    "seeds": st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=MAX_PICTURES).map(tuple),
}
SIZES = st.tuples(SIDES, SIDES).filter(lambda size: size[0] * size[1] <= MAX_AREA)


@st.composite
def requests(draw: st.DrawFn) -> FlashTextToImage | TextToImage:
    width, height = draw(SIZES)
    drawing = {name: draw(values) for name, values in DRAWINGS.items()} | {"width": width, "height": height}
    if draw(st.booleans()):
        return FlashTextToImage(**drawing)
    return TextToImage(
        **drawing,
        negative_prompt=draw(DRAWINGS["prompt"]),
        negative_mode=draw(st.sampled_from(["sane", "official"])),
        steps=draw(st.integers(1, 100)),
        guidance_scale=draw(st.floats(0, 20)),
        eta=draw(st.floats(0, 1)),
    )


@given(requests())
def test_a_request_survives_json(request: AnyRequest) -> None:
    assert parse_request(request.model_dump_json()) == request
    assert parse_request(request.model_dump()) == request


@given(requests(), st.data())
def test_a_recipe_survives_json_and_knows_its_seed(request: AnyRequest, data: st.DataObject) -> None:
    tile = data.draw(st.integers(0, len(request.seeds) - 1))
    recipe = Recipe(request=request, tile=tile, checkpoints={"movq": "abc"}, code_version="1")
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert recipe.seed == request.seeds[tile]


@given(requests())
def test_cost_is_pictures_times_passes_times_megapixels(request: FlashTextToImage | TextToImage) -> None:
    passes = request.passes
    assert request.cost == pytest.approx(len(request.seeds) * passes * request.width * request.height / 1e6)
    if isinstance(request, FlashTextToImage):
        assert passes == FLASH_STEPS
    else:
        halves = 2 if request.guidance_scale else 1
        assert passes % halves == 0 and request.steps / 2 < passes / halves <= request.steps


GOOD = {"kind": "full", "prompt": "a fox", "seeds": [1]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "magic"),
        ("prompt", "x" * (MAX_PROMPT_CHARS + 1)),
        ("negative_prompt", "x" * (MAX_PROMPT_CHARS + 1)),
        ("negative_mode", "whatever"),
        ("width", 0),
        ("width", 1000),
        ("height", 2112),
        ("seeds", []),
        ("seeds", [1] * (MAX_PICTURES + 1)),
        ("steps", 0),
        ("steps", 101),
        ("guidance_scale", -0.1),
        ("guidance_scale", float("nan")),
        ("guidance_scale", 20.1),
        ("eta", 1.01),
        ("eta", float("inf")),
        ("surprise", 1),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_name(field: str, value: object) -> None:
    parse_request(GOOD)
    with pytest.raises(InvalidRequest) as refusal:
        parse_request(GOOD | {field: value})
    assert refusal.value.field == field


HELD = {"kind": "hed", "prompt": "", "seeds": [1], "image": {"blob": "0" * 64, "width": 64, "height": 64}}


def test_black_and_white_may_be_anything_to_a_control_net_but_not_the_same() -> None:
    assert parse_request(HELD | {"hint_range": [1, -1]}).model_dump()["hint_range"] == (1.0, -1.0)
    for wrong, field in (([0.5, 0.5], "request"), ([0, 256], "hint_range.1"), ([0, "nan"], "hint_range.1")):
        with pytest.raises(InvalidRequest) as refusal:
            parse_request(HELD | {"hint_range": wrong})
        assert refusal.value.field == field


def test_a_wrong_seed_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_request(GOOD | {"seeds": [1, 2**32]})
    assert refusal.value.field == "seeds.1"


def test_a_request_without_its_kind_is_told_so() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_request({"prompt": "a fox", "seeds": [1]})
    assert refusal.value.field == "kind"


def test_sides_that_fit_one_by_one_may_be_too_many_pixels_together() -> None:
    with pytest.raises(InvalidRequest, match="pixels"):
        parse_request(GOOD | {"width": 2048, "height": 1024})


def test_a_side_between_two_steps_is_told_both() -> None:
    with pytest.raises(InvalidRequest, match="960 and 1024"):
        parse_request(GOOD | {"width": 1000})


@pytest.mark.parametrize("broken", ["", "{", "[]", "null"])
def test_what_is_no_request_at_all_is_refused_too(broken: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_request(broken)


def test_a_recipe_for_a_picture_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(ValidationError, match="tile 1"):
        Recipe(request=FlashTextToImage(prompt="a fox", seeds=(1,)), tile=1, code_version="1")
