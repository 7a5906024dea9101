"""Joining pictures: what is outside a mask and its feather stays exactly as it was."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from inference.families.kandinsky import compositing
from inference.families.kandinsky.compositing import (
    bounds,
    covering,
    dilated,
    feathered,
    join,
    resized,
    rim,
    to_signed,
    toned,
)
from inference.requests import Box


@st.composite
def masks(draw: st.DrawFn) -> Tensor:
    """A few rectangles and single dots on a small picture."""
    width, height = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    mask = torch.zeros(height, width, dtype=torch.uint8)
    for _ in range(draw(st.integers(1, 3))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        mask[y : y + draw(st.integers(1, 30)), x : x + draw(st.integers(1, 30))] = draw(st.integers(1, 255))
    return mask


def within(mask: Tensor, by: int) -> Tensor:
    """The slow way to say which pixels lie within `by` rows and columns of a mask."""
    near = torch.zeros_like(mask, dtype=torch.bool)
    for y, x in (mask != 0).nonzero().tolist():
        near[max(0, y - by) : y + by + 1, max(0, x - by) : x + by + 1] = True
    return near


@settings(max_examples=80, deadline=None)
@given(masks(), st.integers(0, 9))
def test_a_mask_grows_by_whole_pixels(mask: Tensor, by: int) -> None:
    assert torch.equal(dilated(mask, by), within(mask, by))


@settings(max_examples=80, deadline=None)
@given(masks(), st.integers(1, 12))
def test_a_feather_is_one_on_the_mask_and_nothing_beyond_its_width(mask: Tensor, width: int) -> None:
    weight = feathered(mask, width)
    assert (weight[mask != 0] == 1).all()
    assert (weight[~within(mask, width)] == 0).all()
    assert weight.min() >= 0 and weight.max() <= 1 + 1e-6


@pytest.mark.parametrize("width", [4, 8, 16, 33])
def test_a_feather_falls_without_a_step(width: int) -> None:
    mask = torch.zeros(3, 120)
    mask[:, :40] = 1
    slope = feathered(mask, width)[1].diff()
    assert (slope <= 0).all()
    assert slope.abs().max() <= 2.7 / width


@settings(max_examples=60, deadline=None)
@given(masks(), st.integers(1, 9), st.integers(0, 2**31))
def test_joining_leaves_every_pixel_outside_mask_and_feather_as_it_was(mask: Tensor, feather: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    old, new = torch.randint(0, 256, (2, *mask.shape, 3), generator=generator, dtype=torch.uint8)
    canvas = old.clone()
    join(canvas, new, feathered(mask, feather), Box(0, 0, mask.shape[1], mask.shape[0]))
    outside = ~within(mask, feather)
    assert torch.equal(canvas[outside], old[outside])
    assert torch.equal(canvas[mask != 0], new[mask != 0])
    between = torch.stack([old, new]).int()
    assert (canvas >= between.min(0).values).all() and (canvas <= between.max(0).values).all()


def test_joining_touches_nothing_outside_the_box() -> None:
    canvas = torch.full((700, 50, 3), 7, dtype=torch.uint8)
    box = Box(10, 20, 30, 600)  # taller than what is joined at once
    join(canvas, torch.full((600, 30, 3), 200, dtype=torch.uint8), torch.ones(600, 30), box)
    assert (canvas[20:620, 10:40] == 200).all()
    assert canvas.int().sum() == 3 * (600 * 30 * 200 + (700 * 50 - 600 * 30) * 7)


def test_a_rim_fades_towards_the_picture_but_not_towards_its_end() -> None:
    weight = rim(Box(0, 10, 40, 30), Box(0, 0, 100, 40), 4)
    assert weight.shape == (30, 40)
    torch.testing.assert_close(weight[:5, 0], torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0]))  # the picture goes on above
    torch.testing.assert_close(weight[20, -5:], torch.tensor([1.0, 0.8, 0.6, 0.4, 0.2]))  # and to the right
    assert weight[-1, 0] == weight[20, 0] == 1


@given(masks())
def test_bounds_are_tight(mask: Tensor) -> None:
    box = bounds(mask)
    assert box is not None
    inside = mask[box.y : box.bottom, box.x : box.right]
    assert (inside != 0).sum() == (mask != 0).sum()
    assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
    assert bounds(torch.zeros_like(mask)) is None


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([(64, 64), (128, 64), (64, 192)]))
def test_covering_has_the_size_asked_for(width: int, height: int, size: tuple[int, int]) -> None:
    assert covering(torch.zeros(height, width, 3, dtype=torch.uint8), *size).shape == (size[1], size[0], 3)


def test_covering_takes_the_middle_and_keeps_the_ratio() -> None:
    picture = torch.zeros(100, 300, 3, dtype=torch.uint8)
    picture[:, 100:200] = 255  # a white square in the middle of black
    assert (covering(picture, 64, 64)[:, 4:-4] > 250).all()
    assert torch.equal(covering(picture, 300, 100), picture)


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = torch.randint(0, 256, (5, 7, 3), dtype=torch.uint8)
    assert resized(picture, 7, 5) is picture
    assert resized(picture, 14, 10).shape == (10, 14, 3)


def test_pixels_become_what_nets_read() -> None:
    picture = torch.tensor([[[0, 255, 51]]], dtype=torch.uint8)
    torch.testing.assert_close(to_signed(picture)[:, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))


def test_a_tone_that_is_off_by_a_little_is_brought_to_that_of_the_picture_everywhere() -> None:
    old = torch.full((60, 90, 3), 100, dtype=torch.uint8)
    old[:, :, 0] = torch.arange(90) + 80
    new = (old.float() + torch.tensor([7.0, -5.0, 3.0])).to(torch.uint8)
    seam = torch.zeros(60, 90, dtype=torch.bool)
    seam[:, 40:48] = True
    assert (toned(new, old, seam, 4).int() - old.int()).abs().max() <= 1


def test_the_tone_may_be_off_one_way_here_and_the_other_way_there() -> None:
    old = torch.full((64, 64, 3), 120, dtype=torch.uint8)
    new = (old.float() + torch.linspace(-8, 8, 64)[None, :, None]).round().to(torch.uint8)
    seam = torch.zeros(64, 64, dtype=torch.bool)
    seam[30:34] = True
    apart = (toned(new, old, seam, 4).int() - 120).abs()
    assert apart.max() <= 4 < 8 <= (new.int() - 120).abs().max()


@pytest.mark.parametrize(("height", "cell"), [(61, 4), (64, 8), (7, 16), (37, 3)])
def test_a_tone_is_the_same_however_many_rows_are_worked_on_at_once(
    height: int, cell: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(height)
    old = torch.randint(60, 200, (height, 50, 3), dtype=torch.uint8, generator=generator)
    new = (old.int() + torch.randint(-20, 21, old.shape, generator=generator)).to(torch.uint8)
    seam = torch.rand(height, 50, generator=generator) < 0.3
    at_once = toned(new, old, seam, cell)
    assert not torch.equal(at_once, new)
    for band in (1, 8, 20):
        monkeypatch.setattr(compositing, "BAND", band)
        assert torch.equal(toned(new, old, seam, cell), at_once), band


def test_the_offset_between_squares_is_that_of_bilinear_interpolation() -> None:
    offset = torch.rand(3, 5, 20, generator=torch.Generator().manual_seed(2))
    whole = torch.nn.functional.interpolate(offset[None], size=(33, 20), mode="bilinear")[0].permute(1, 2, 0)
    parts = [compositing._heightened(offset, slice(start, min(33, start + 8)), 33) for start in range(0, 33, 8)]
    torch.testing.assert_close(torch.cat(parts), whole)


def test_another_content_is_no_tone() -> None:
    old, new = torch.zeros(40, 40, 3, dtype=torch.uint8), torch.full((40, 40, 3), 200, dtype=torch.uint8)
    seam = torch.zeros(40, 40, dtype=torch.bool)
    seam[:, :4] = True
    assert toned(new, old, seam, 2) is new
    assert toned(old, old, torch.zeros_like(seam), 2) is old
