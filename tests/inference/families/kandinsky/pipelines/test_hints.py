"""What the control nets are given of pictures that people draw."""

import pytest
import torch
from torch import Tensor

from inference.families.kandinsky.pipelines.hints import drawn_map, hint_of, lines_on_black


def drawing(paper: int, ink: int, *, colour: bool = False) -> Tensor:
    """A square of three pixels' line width on paper."""
    picture = torch.full((128, 128, 3), paper, dtype=torch.uint8)
    for edge in (30, 90):
        picture[edge : edge + 3, 30:93] = ink
        picture[30:93, edge : edge + 3] = ink
    if colour:
        picture[..., 0] = paper
    return picture


def on_the_line(found: Tensor) -> Tensor:
    return drawing(0, 1)[..., 0].bool() == (found > 127)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (235, 60), (20, 170), (200, 120)])
def test_scribbles_are_plain_white_on_black_whatever_they_are_drawn_with(paper: int, ink: int) -> None:
    found = drawn_map(drawing(paper, ink), "scribble", 128, 128)
    assert set(found.unique().tolist()) == {0, 255}
    assert on_the_line(found).all()


def test_coloured_pencils_count() -> None:
    assert on_the_line(drawn_map(drawing(255, 40, colour=True), "scribble", 128, 128)).all()


def test_grain_of_the_paper_is_no_line() -> None:
    generator = torch.Generator().manual_seed(1)
    grain = torch.randint(-6, 7, (128, 128, 1), generator=generator)
    noisy = (drawing(230, 70).int() + grain).clamp(0, 255).to(torch.uint8)
    assert on_the_line(drawn_map(noisy, "scribble", 128, 128)).all()
    blank = (torch.full((128, 128, 3), 230) + grain).to(torch.uint8)
    assert not drawn_map(blank, "scribble", 128, 128).any()


def test_drawn_outlines_keep_their_shades() -> None:
    found = drawn_map(drawing(255, 100), "hed", 128, 128)
    assert set(found.unique().tolist()) == {0, 155}
    soft = drawing(0, 90)
    assert torch.equal(drawn_map(soft, "hed", 128, 128), soft[..., 0])


def test_a_depth_map_stays_as_it_is() -> None:
    ramp = torch.arange(128, dtype=torch.uint8).expand(128, 128)[..., None].expand(-1, -1, 3)
    assert torch.equal(drawn_map(ramp, "depth", 128, 128), ramp[..., 0])


def test_a_picture_of_another_shape_is_cut_around_its_middle() -> None:
    wide = torch.full((128, 384, 3), 255, dtype=torch.uint8)
    wide[:, 128:256] = drawing(255, 0)
    assert on_the_line(drawn_map(wide, "scribble", 128, 128)).all()
    assert drawn_map(wide, "scribble", 64, 192).shape == (192, 64)


def test_hints_have_three_like_channels_between_the_two_levels() -> None:
    grey = torch.tensor([[0, 255]], dtype=torch.uint8)
    assert hint_of(grey, (0.0, 1.0)).shape == (1, 3, 1, 2)
    assert hint_of(grey, (1.0, 0.0))[0, 0, 0].tolist() == [1.0, 0.0]
    assert hint_of(grey, (-1.0, 1.0))[0, 2, 0].tolist() == [-1.0, 1.0]


def test_a_single_shade_has_no_lines() -> None:
    assert not lines_on_black(torch.full((8, 8), 77, dtype=torch.uint8)).any()
