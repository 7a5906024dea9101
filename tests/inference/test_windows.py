"""Where the inpainting net looks: sizes, crops around a mark, and windows over a canvas."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.requests import Box, InvalidRequest, focus_box, model_size, outpaint_windows, published_size
from inference.requests.windows import AREA_SLACK


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int) -> Box:
    wide, high = draw(st.integers(1, width)), draw(st.integers(1, height))
    return Box(draw(st.integers(0, width - wide)), draw(st.integers(0, height - high)), wide, high)


@st.composite
def canvases(draw: st.DrawFn) -> tuple[int, int, Box, int]:
    width, height = draw(st.integers(64, 1500)), draw(st.integers(64, 1500))
    return width, height, draw(boxes(width, height)), draw(st.sampled_from([128, 256, 1024]))


@settings(max_examples=80, deadline=None)
@given(canvases())
def test_windows_fill_any_canvas_and_each_one_suits_the_model(canvas: tuple[int, int, Box, int]) -> None:
    width, height, box, native = canvas
    whole, unknown = Box(0, 0, width, height), torch.ones(height, width, dtype=torch.bool)
    unknown[box.y : box.bottom, box.x : box.right] = False
    for window in outpaint_windows(width, height, box, native):
        assert window.grown(0, whole) == window, "inside the canvas"
        assert window.area <= AREA_SLACK * native**2
        wide, high = model_size(window.width, window.height, native)
        assert wide % 64 == high % 64 == 0
        seen = unknown[window.y : window.bottom, window.x : window.right]
        assert seen.any(), "something to paint"
        assert not seen.all(), "something to go on"
        seen[:] = False
    assert not unknown.any()


@settings(max_examples=50, deadline=None)
@given(st.integers(256, 2048), st.integers(256, 2048), st.data())
def test_no_window_is_mostly_unknown_around_a_picture(width: int, height: int, data: st.DataObject) -> None:
    wide, high = data.draw(st.integers(128, width)), data.draw(st.integers(128, height))
    box = (data.draw(st.integers(0, width - wide)), data.draw(st.integers(0, height - high)), wide, high)
    unknown = torch.ones(height, width, dtype=torch.bool)
    unknown[box[1] : box[1] + high, box[0] : box[0] + wide] = False
    for window in outpaint_windows(width, height, box, 1024):
        seen = unknown[window.y : window.bottom, window.x : window.right]
        assert seen.float().mean() <= 0.65
        seen[:] = False


@pytest.mark.parametrize(
    ("canvas", "box", "count"),
    [
        ((1344, 768), (288, 0, 768, 768), 1),  # a square made wide
        ((1024, 1024), (170, 170, 683, 683), 1),  # zoomed out 1.5 times
        ((1024, 1024), (256, 256, 512, 512), 2),  # zoomed out twice: a ring, then another
        ((1536, 1024), (512, 0, 1024, 1024), 1),  # half as much again to the left, at full resolution
        ((2048, 2048), (512, 512, 1024, 1024), 8),
    ],
)
def test_common_extensions_take_few_windows(
    canvas: tuple[int, int], box: tuple[int, int, int, int], count: int
) -> None:
    assert len(outpaint_windows(*canvas, box, 1024)) == count


def test_windows_beside_each_other_overlap() -> None:
    strip = [window for window in outpaint_windows(3000, 2048, (0, 1024, 3000, 1024), 1024) if window.y == 512]
    assert len(strip) == 4
    assert all(left.right - right.x >= 256 for left, right in pairwise(strip))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([128, 1024]), st.data())
def test_a_crop_holds_what_is_marked_with_something_around_it(
    width: int, height: int, native: int, data: st.DataObject
) -> None:
    marked = data.draw(boxes(width, height))
    whole, crop = Box(0, 0, width, height), focus_box(marked, width, height, native)
    assert crop.grown(0, whole) == crop
    around = marked.grown(min(marked.width, marked.height) // 2 - 1, whole)
    assert crop.x <= around.x and crop.y <= around.y and crop.right >= around.right and crop.bottom >= around.bottom


def test_a_small_mark_is_cropped_and_a_large_one_is_not() -> None:
    assert focus_box(Box(500, 500, 200, 100), 2000, 1500, 1024) == Box(400, 379, 400, 342)
    assert focus_box(Box(0, 0, 1500, 1200), 2000, 1500, 1024) == Box(0, 0, 2000, 1500)


@given(st.integers(1, 16_000), st.integers(1, 16_000), st.sampled_from([128, 1024]))
def test_the_model_gets_about_its_own_area(width: int, height: int, native: int) -> None:
    wide, high = model_size(width, height, native)
    assert wide % 64 == high % 64 == 0
    assert 0.3 * native**2 <= wide * high <= 1.5 * native**2


def test_a_window_of_a_trained_size_keeps_it() -> None:
    assert model_size(1344, 768, 1024) == (1344, 768)
    assert model_size(768, 768, 1024) == (768, 768)
    assert model_size(300, 300, 1024) == (1024, 1024)


def test_the_published_size_refuses_a_side_that_vanishes() -> None:
    assert published_size(1000, 700) == (960, 640)
    with pytest.raises(InvalidRequest, match="image: 100x63 leaves a side below 64"):
        published_size(100, 63)
