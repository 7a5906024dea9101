"""How far a picture is extended, in whole pixels and within what the studio draws."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.modes.extend.buttons import ways
from bot.modes.extend.canvas import (
    MOST,
    WAYS,
    BadShare,
    Canvas,
    NothingToAdd,
    Sides,
    Way,
    extended,
    most_side,
    read_direction,
    with_ratio,
)
from bot.texts.i18n import speaking
from bot.texts.languages import Language
from inference.requests import Outpaint, Source, outpaint_windows

EVERY = frozenset(WAYS[:4])
SIDES = st.integers(64, 8000)


def request_of(size: tuple[int, int], canvas: Canvas) -> Outpaint:
    """Raises where the contract refuses such a canvas."""
    source = Source(blob="0" * 64, width=size[0], height=size[1])
    return Outpaint(prompt="x", seeds=(1,), image=source, width=canvas.width, height=canvas.height, box=canvas.box)


@pytest.mark.parametrize(
    ("way", "canvas"),
    [
        ("left", Canvas(1200, 600, (400, 0, 800, 600))),
        ("right", Canvas(1200, 600, (0, 0, 800, 600))),
        ("up", Canvas(800, 900, (0, 300, 800, 600))),
        ("down", Canvas(800, 900, (0, 0, 800, 600))),
        ("square", Canvas(800, 800, (0, 100, 800, 600))),
        ("zoom2", Canvas(800, 600, (200, 150, 400, 300))),
        ("zoom15", Canvas(800, 600, (133, 100, 533, 400))),
    ],
)
def test_each_way_adds_where_it_says(way: Way, canvas: Canvas) -> None:
    assert extended((800, 600), way, MOST) == canvas


def test_several_sides_are_added_at_once() -> None:
    assert extended((800, 600), Sides(frozenset({"left", "right", "up"})), MOST) == Canvas(
        1600, 900, (400, 300, 800, 600)
    )


def test_a_share_is_of_the_side_it_adds_to() -> None:
    assert extended((800, 600), Sides(frozenset({"left", "down"}), 0.3), MOST) == Canvas(1040, 780, (240, 0, 800, 600))


def test_any_ratio_is_reached_by_adding_on_two_sides() -> None:
    assert with_ratio((600, 600), (16, 9), MOST) == Canvas(1067, 600, (233, 0, 600, 600))
    assert with_ratio((600, 600), (1, 2), MOST) == Canvas(600, 1200, (0, 300, 600, 600))


def test_a_picture_of_that_shape_already_is_left_alone() -> None:
    with pytest.raises(NothingToAdd):
        extended((512, 512), "square", MOST)
    with pytest.raises(NothingToAdd):
        with_ratio((1280, 720), (16, 9), MOST)


def test_a_canvas_beyond_the_bounds_makes_the_picture_smaller() -> None:
    canvas = extended((4000, 3000), "left", MOST)
    assert (canvas.width, canvas.height) == (4096, 2048)
    assert canvas.box == (1365, 0, 2731, 2048)
    assert canvas.scale == pytest.approx(4096 / 6000)


@pytest.mark.parametrize("way", WAYS)
def test_a_small_model_gets_a_canvas_of_which_it_sees_something_at_once(way: Way) -> None:
    canvas = extended((4000, 3000), way, most_side(128))
    assert max(canvas.width, canvas.height) == 512
    assert len(outpaint_windows(canvas.width, canvas.height, canvas.box, 128)) < 40
    assert most_side(1024) == 4096


@pytest.mark.parametrize("text", ["на 0%", "by 500%", "0,5% left"])
def test_a_share_that_makes_no_frame_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadShare) as refusal:
        read_direction(text)
    assert f"{refusal.value.value}%" in text


@example(width=64, height=4264, way="zoom15")
@given(width=SIDES, height=SIDES, way=st.sampled_from(WAYS))
def test_every_way_fits_the_contract_and_keeps_the_proportions(width: int, height: int, way: Way) -> None:
    size = (width, height)
    try:
        canvas = extended(size, way, MOST)
    except NothingToAdd:
        return
    request_of(size, canvas)
    inner_width, inner_height = canvas.box[2:]
    assert abs(inner_width / width - inner_height / height) * min(size) <= 2


@given(width=SIDES, height=SIDES, across=st.integers(1, 4), down=st.integers(1, 4))
def test_every_ratio_fits_the_contract_and_is_met(width: int, height: int, across: int, down: int) -> None:
    try:
        canvas = with_ratio((width, height), (across, down), MOST)
    except NothingToAdd:
        return
    request_of((width, height), canvas)
    if min(canvas.width, canvas.height) > 64:
        assert canvas.width / canvas.height == pytest.approx(across / down, rel=0.02)


@pytest.mark.parametrize(
    ("text", "way", "rest"),
    [
        ("влево", "left", ""),
        ("left: a river", "left", "a river"),
        ("to the right more sea", "right", "more sea"),
        ("вверх звёздное небо", "up", "звёздное небо"),
        ("2x", "zoom2", ""),
        ("zoom out 1.5x", "zoom15", ""),
        ("в 2 раза лес вокруг", "zoom2", "лес вокруг"),
        ("до квадрата", "square", ""),
        ("16:9 a wide beach", (16, 9), "a wide beach"),
        ("до 21:9", (21, 9), ""),
        ("со всех сторон", "zoom15", ""),
        ("a leftover cake", None, "a leftover cake"),
        ("2 cats", None, "2 cats"),
        ("влево и вправо", Sides(frozenset({"left", "right"})), ""),
        ("left, right and up: a river", Sides(frozenset({"left", "right", "up"})), "a river"),
        ("слева, справа лес", Sides(frozenset({"left", "right"})), "лес"),
        ("на 30%", Sides(EVERY, 0.15), ""),
        ("by 30 percent: a forest", Sides(EVERY, 0.15), "a forest"),
        ("на 30% со всех сторон", Sides(EVERY, 0.3), ""),
        ("on all sides by 100% a sea", Sides(EVERY, 1.0), "a sea"),
        ("вправо на 30 процентов море", Sides(frozenset({"right"}), 0.3), "море"),
        ("на 12,5 % влево, вверх: небо", Sides(frozenset({"left", "up"}), 0.125), "небо"),
        ("100% wool around the sheep", None, "100% wool around the sheep"),
        ("left right 50%", Sides(frozenset({"left", "right"}), 0.5), ""),
        ("вверх вниз на 20%: небо", Sides(frozenset({"up", "down"}), 0.2), "небо"),
        ("30% left right", Sides(frozenset({"left", "right"}), 0.3), ""),
        ("влево вправо", Sides(frozenset({"left", "right"})), ""),
        ("30% left up the hill", Sides(frozenset({"left"}), 0.3), "up the hill"),
        ("left right hand of a giant", "left", "right hand of a giant"),
        ("30 percents", None, "30 percents"),
        ("left: 30 cats", "left", "30 cats"),
        ("left and a river", "left", "and a river"),
        ("left: right beside it a tree", "left", "right beside it a tree"),
        ("zoom 2", "zoom2", ""),
        ("", None, ""),
    ],
)
def test_words_say_which_way(text: str, way: object, rest: str) -> None:
    assert read_direction(text) == (way, rest)


@pytest.mark.parametrize(("language", "number"), [("ru", "🔍 1,5×"), ("en", "🔍 1.5×")])
def test_a_decimal_on_a_button_is_written_as_the_language_does(language: Language, number: str) -> None:
    with speaking(language):
        assert number in [key.text for row in ways(1, square=True).inline_keyboard for key in row]
