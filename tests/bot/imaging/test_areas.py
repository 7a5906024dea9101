"""Areas by squares and by words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.imaging.areas import cell_mask, cells_named, split_area, tells_area


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("слева", {0, 3, 6}),
        ("Справа вверху", {2}),
        ("в левом нижнем углу", {6}),
        ("в центре", {4}),
        ("посередине слева", {3}),
        ("верхняя часть", {0, 1, 2}),
        ("top left", {0}),
        ("the right half", {2, 5, 8}),
        ("the centre", {4}),
        ("in the middle of the bottom", {7}),
        ("top and bottom", {0, 1, 2, 6, 7, 8}),
    ],
)
def test_words_name_sides_corners_and_the_centre(text: str, cells: set[int]) -> None:
    assert cells_named(text) == cells


@pytest.mark.parametrize("text", ["небо", "a left shoe", "the", "", "на", "top 3 cats", "правда", "центрифуга"])
def test_words_that_are_no_place_name_nothing(text: str) -> None:
    assert cells_named(text) is None


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("слева: дерево", (frozenset({0, 3, 6}), "дерево")),
        ("top left - a red balloon", (frozenset({0}), "a red balloon")),
        ("the centre", (frozenset({4}), "")),
        ("a cat: asleep", (None, "a cat: asleep")),
        ("a well-known cat", (None, "a well-known cat")),
        ("", (None, "")),
    ],
)
def test_a_place_before_a_colon_is_split_from_the_words(text: str, split: tuple[frozenset[int] | None, str]) -> None:
    assert split_area(text) == split


@pytest.mark.parametrize("text", ["слева: луна", "Top left: a red balloon --n 1", "в центре: ёж"])
def test_an_area_and_what_shall_be_there_say_enough(text: str) -> None:
    assert tells_area(text)


@pytest.mark.parametrize(
    "text",
    [
        "слева: кот, справа: собака",
        "left: a cat and a dog on the right",
        "слева",
        "слева:",
        "слева — луна",
        "луна: слева",
        "a cat: asleep",
        "",
    ],
)
def test_what_may_describe_the_whole_picture_tells_no_area(text: str) -> None:
    assert not tells_area(text)


@given(
    width=st.integers(64, 500),
    height=st.integers(64, 500),
    grid=st.sampled_from([3, 4]),
    cells=st.sets(st.integers(0, 8)),
)
@settings(deadline=None)
def test_squares_cover_their_share_less_the_rounded_corners(
    width: int, height: int, grid: int, cells: set[int]
) -> None:
    mask = cell_mask((width, height), grid, cells)
    assert mask.shape == (height, width)
    share = len(cells) / grid**2
    assert share * 0.8 - 0.02 <= mask.mean() <= share + 0.03


def test_all_squares_are_the_whole_picture_and_a_missing_one_is_refused() -> None:
    assert cell_mask((120, 90), 3, range(9)).all()
    assert not cell_mask((120, 90), 3, ()).any()
    with pytest.raises(ValueError, match="no cell 16"):
        cell_mask((120, 90), 4, [16])


def test_neighbouring_squares_become_one_area_without_a_seam() -> None:
    mask = cell_mask((300, 300), 3, [0, 1])
    assert mask[50, 60:140].all()
    assert mask[0, 0]  # the picture's own corner is not rounded
    assert not mask[99, 199]
