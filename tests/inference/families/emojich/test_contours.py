"""Contours are those of OpenCV 5.0, which these drawings were made with."""

import numpy as np
import pytest

from inference.families.emojich.contours import Mask, fill, find_contours, stroke

BOX = """
..............
.###########..
.###########..
.##.......##..
.##...#...##..
.##.......##..
.##......###..
.###########..
.###########..
.............#
..............
"""
BOX_STROKED = """
.###########..
#############.
#############.
#############.
####.###.####.
####..#.#####.
#############.
#############.
##############
.#############
.............#
"""
RHOMBUS = """
............
......#.....
.....#.#....
....#...#...
...#.....#..
....#...#...
.....#.#....
......#.....
............
"""
RHOMBUS_FILLED = """
............
......#.....
.....###....
....#####...
...#######..
....#####...
.....###....
......#.....
............
"""
RHOMBUS_STROKED = """
.....###....
....#####...
...#######..
..#########.
..####.####.
..#########.
...#######..
....#####...
.....###....
"""


def _mask(drawing: str) -> Mask:
    return np.array([[sign == "#" for sign in row] for row in drawing.split()])


def _drawing(mask: Mask) -> str:
    return "\n" + "".join("".join(".#"[int(on)] for on in row) + "\n" for row in mask)


def test_what_lies_within_comes_after_and_of_neighbours_the_last_first() -> None:
    assert [len(contour) for contour in find_contours(_mask(BOX))] == [1, 34, 21, 1]


def test_a_line_of_width_two_reaches_a_pixel_around_each_point() -> None:
    mask = _mask(BOX)
    assert _drawing(stroke(find_contours(mask), mask.shape)) == BOX_STROKED
    assert _drawing(fill(find_contours(mask), mask.shape)) == BOX


def test_a_border_that_holds_together_at_corners_is_one() -> None:
    mask = _mask(RHOMBUS)
    outer, _inner = find_contours(mask)
    assert _drawing(fill([outer], mask.shape)) == RHOMBUS_FILLED
    assert _drawing(stroke([outer], mask.shape)) == RHOMBUS_STROKED


def test_each_point_of_a_border_is_beside_the_one_before_it() -> None:
    mask = np.random.default_rng(5).random((40, 30)) < 0.5
    contours = find_contours(mask)
    for contour in contours:
        assert np.abs(contour - np.roll(contour, 1, axis=0)).max() <= 1
        assert mask[tuple(contour.T)].all()
    assert (fill(contours, mask.shape) == mask).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (2, 5)])
def test_a_mask_of_nothing_has_no_contour_and_one_of_everything_has_one(size: tuple[int, int]) -> None:
    assert find_contours(np.zeros(size, bool)) == []
    (everything,) = find_contours(np.ones(size, bool))
    assert fill([everything], size).all() and stroke([everything], size).all()
    assert not fill([], size).any() and not stroke([], size).any()
