import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from inference.families.kandinsky.sampling.windows import Shape, count_windows, starts, stitch, tiles, windows

SIDES = st.integers(1, 90)
SHAPES = st.sampled_from(["flat", "ramp", "hann"])


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, int]:
    """A window, and a stride between a quarter and the whole of it."""
    window = draw(st.integers(2, 40))
    return window, draw(st.integers(-(-window // 4), window))


def picture(height: int, width: int) -> Tensor:
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, frames(), SHAPES)
def test_the_windows_of_a_picture_put_together_are_the_picture(
    height: int, width: int, frame: tuple[int, int], shape: Shape
) -> None:
    whole, made = picture(height, width), torch.zeros(3, height, width)
    for window in windows(height, width, *frame, shape):
        window.add_to(made, window.view.of(whole).clone())
    torch.testing.assert_close(made, whole, atol=1e-5, rtol=0)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, frames())
def test_windows_are_alike_and_within_the_picture(height: int, width: int, frame: tuple[int, int]) -> None:
    views = [window.view for window in windows(height, width, *frame)]
    assert {(view.height, view.width) for view in views} == {(min(height, frame[0]), min(width, frame[0]))}
    assert all(view.top + view.height <= height and view.left + view.width <= width for view in views)
    assert len(views) == len(set(views)) == count_windows(height, width, *frame)


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, frames())
def test_flat_windows_are_averaged(height: int, width: int, frame: tuple[int, int]) -> None:
    total, count, made = (torch.zeros(1, height, width) for _ in range(3))
    for number, window in enumerate(windows(height, width, *frame)):
        part = torch.full((1, window.view.height, window.view.width), float(number))
        window.view.of(total).add_(part)
        window.view.of(count).add_(1)
        window.add_to(made, part)
    torch.testing.assert_close(made, total / count, atol=1e-4, rtol=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "count"),
    [(1024, 1024, 1), (2048, 2048, 9), (1824, 1824, 4), (1825, 1825, 9), (2160, 3840, 15), (4096, 4096, 25)],
)
def test_as_many_windows_are_seen_as_the_published_code_sees(height: int, width: int, count: int) -> None:
    assert count_windows(height, width, 1024, 800) == count


def test_the_last_window_is_pulled_back_to_the_edge() -> None:
    assert starts(2048, 1024, 800) == [0, 800, 1024]


def test_neighbours_fade_into_each_other() -> None:
    first, second = windows(4, 14, 8, 6, "ramp")
    torch.testing.assert_close(first.columns[0, 6:], torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(second.columns[0, :2], torch.tensor([0.25, 0.75]))
    assert torch.equal(first.columns[0, :6], torch.ones(6))


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(2, 40), st.sampled_from([0.0, 0.25, 0.5]))
def test_tiles_cut_from_a_picture_stitch_to_the_picture(height: int, width: int, tile: int, overlap: float) -> None:
    whole, blend = picture(height, width), int(tile * overlap)
    cut = [[view.of(whole).clone() for view in row] for row in tiles(height, width, tile, tile - blend)]
    torch.testing.assert_close(stitch(cut, blend, tile - blend), whole)
