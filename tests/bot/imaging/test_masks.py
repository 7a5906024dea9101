"""What was painted over a picture is found again, whatever a messenger has done to the copy; a wrong copy is named."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageOps

from benchmarks.bench_masks import MEDIAN, cases, found
from benchmarks.paintings import COLOURS, SHAPES, blob, intersection_over_union, paint, photograph, ring, sent
from bot.imaging import collage
from bot.imaging.alignment import AnotherPicture, Cropped, MaskError, Rotated, Shifted
from bot.imaging.masks import EverythingPainted, NothingPainted, from_png, painted_area, resized, to_png, with_margin
from bot.imaging.overlay import overlay
from bot.imaging.regions import closed, dropped_specks, filled, grown

SIDE = 384
PHOTO = photograph(3, (SIDE, SIDE))
RED = COLOURS["red"]
MASKS = arrays.arrays(bool, st.tuples(st.integers(8, 40), st.integers(8, 40)))


def painted(shape: str, brush: float = 0.03) -> Image.Image:
    return paint(PHOTO, SHAPES[shape](brush, RED, 5))[0]


def disc(size: int, centre: tuple[int, int], radius: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return np.asarray(np.hypot(y - centre[1], x - centre[0]) <= radius)


def test_half_of_all_paintings_are_found_to_nine_tenths_and_more() -> None:
    scores = [found(*case.painting(512)) for case in cases(18)]
    assert statistics.median(scores) > MEDIAN
    assert min(scores) > 0.6


@pytest.mark.parametrize("scale", [0.5, 2.0])
@pytest.mark.parametrize("quality", [60, 95])
def test_rescaling_and_recompression_change_little(scale: float, quality: int) -> None:
    copy, meant = paint(PHOTO, ring((0.5, 0.5), 0.2, 0.04, COLOURS["blue"]))
    assert intersection_over_union(painted_area(PHOTO, sent(copy, scale=scale, quality=quality)), meant) > 0.95


def test_a_red_brush_is_seen_on_red_ground() -> None:
    picture = PHOTO.copy()
    picture.paste((219, 50, 30), (150, 150, 330, 260))
    copy, meant = paint(picture, ring((0.55, 0.5), 0.2, 0.05, RED))
    assert intersection_over_union(painted_area(picture, sent(copy)), meant) > 0.95


def test_paint_around_a_thing_out_to_the_edges_leaves_the_thing_alone() -> None:
    copy = Image.composite(PHOTO, Image.new("RGB", PHOTO.size, RED), Image.fromarray(disc(SIDE, (190, 200), 90)))
    area = painted_area(PHOTO, sent(copy))
    assert not area[200, 190]
    assert area[10, 10]
    assert intersection_over_union(area, ~disc(SIDE, (190, 200), 90)) > 0.95


def test_a_copy_a_few_pixels_off_is_put_right() -> None:
    copy, meant = paint(PHOTO, blob((0.5, 0.5), 0.2, 0.05, RED))
    moved = PHOTO.copy()
    moved.paste(copy, (2, -1))
    assert intersection_over_union(painted_area(PHOTO, sent(moved)), meant) > 0.95


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda copy: PHOTO, NothingPainted),
        (lambda copy: copy.crop((40, 30, 340, 330)), Cropped),
        (lambda copy: copy.crop((0, 60, SIDE, 300)), Cropped),
        (lambda copy: ImageOps.expand(copy.crop((0, 0, 340, 384)), (44, 0, 0, 0)), Shifted),
        (lambda copy: copy.rotate(90), Rotated),
        (lambda copy: copy.rotate(180), Rotated),
        (lambda copy: copy.rotate(6).crop((30, 30, 354, 354)), Rotated),
        (ImageOps.mirror, Rotated),
        (lambda copy: photograph(11, (SIDE, SIDE)), AnotherPicture),
        (lambda copy: photograph(11, (SIDE, 200)), AnotherPicture),
        (lambda copy: Image.blend(PHOTO, Image.new("RGB", PHOTO.size, RED), 0.5), EverythingPainted),
    ],
)
def test_a_copy_that_cannot_be_compared_is_called_what_it_is(
    spoil: Callable[[Image.Image], Image.Image], error: type[MaskError]
) -> None:
    with pytest.raises(error):
        painted_area(PHOTO, sent(spoil(painted("circled")), quality=75))


def test_where_nobody_asks_why_a_copy_is_none_nobody_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.imaging.alignment._Search", None)
    ours = photograph(3, (SIDE, SIDE))
    with pytest.raises(AnotherPicture):
        painted_area(ours, photograph(11, (SIDE, SIDE)), explain=False)
    with pytest.raises(AnotherPicture):
        painted_area(ours, ours.transpose(Image.Transpose.ROTATE_90), explain=False)


def test_plain_pictures_can_be_painted_over_too() -> None:
    plain = Image.new("RGB", (256, 256), (240, 240, 235))
    copy, meant = paint(plain, blob((0.4, 0.6), 0.15, 0.06, COLOURS["green"]))
    assert intersection_over_union(painted_area(plain, sent(copy, quality=70)), meant) > 0.95


def test_a_circle_means_its_inside_and_a_bay_does_not() -> None:
    ring_ = disc(200, (100, 100), 60) & ~disc(200, (100, 100), 54)
    assert filled(ring_)[100, 100]
    with_gap = ring_.copy()
    with_gap[98:103, 150:] = False
    assert filled(with_gap)[100, 100]
    bay = ring_.copy()
    bay[:, 100:] = False
    assert not filled(bay)[100, 100]


def test_a_stroke_that_cuts_off_a_corner_means_the_corner() -> None:
    y, x = np.mgrid[:200, :200]
    assert filled(np.abs(x + y - 80) < 4)[5, 5]
    assert not filled(np.abs(y - 100) < 4)[5, 5]  # nobody knows which half is meant


def test_specks_beside_an_area_are_dropped() -> None:
    mask = disc(200, (60, 60), 30)
    mask[150:152, 150:152] = True
    assert not dropped_specks(mask)[150, 150]
    assert dropped_specks(mask)[60, 60]


@given(mask=MASKS, pixels=st.floats(0, 6))
@settings(deadline=None)
def test_growing_only_adds_and_shrinking_only_takes_away(mask: np.ndarray, pixels: float) -> None:
    assert (grown(mask, pixels) >= mask).all()
    assert (grown(mask, -pixels) <= mask).all()
    assert (closed(mask, pixels) >= mask).all()


@given(mask=MASKS)
@settings(deadline=None)
def test_filling_keeps_what_was_painted_and_knows_no_direction(mask: np.ndarray) -> None:
    area = filled(mask)
    assert (area >= mask).all()
    for turn in (np.fliplr, np.flipud):
        assert area.sum() == filled(turn(mask)).sum()


@given(mask=MASKS)
@settings(deadline=None)
def test_a_mask_survives_being_stored(mask: np.ndarray) -> None:
    assert (from_png(to_png(mask)) == mask).all()


@given(mask=MASKS, width=st.integers(8, 90), height=st.integers(8, 90))
@settings(deadline=None)
def test_a_resized_mask_covers_the_same_share_of_plain_areas(mask: np.ndarray, width: int, height: int) -> None:
    other = resized(mask, (width, height))
    assert other.shape == (height, width)
    if mask.all() or not mask.any():
        assert other.all() == mask.all()
        assert other.any() == mask.any()


def test_the_margin_is_a_share_of_the_shorter_side() -> None:
    mask = disc(400, (200, 200), 100)
    assert with_margin(mask, 0.05)[200, 319]
    assert not with_margin(mask, 0.05)[200, 322]


def test_the_overlay_tints_the_area_and_nothing_else() -> None:
    mask = disc(SIDE, (200, 200), 80)
    with Image.open(io.BytesIO(overlay(PHOTO, mask))) as shown:
        assert shown.size == (SIDE, SIDE)
        change = np.abs(np.asarray(shown, float) - np.asarray(PHOTO, float)).mean(axis=-1)
    assert change[mask].mean() > 20
    assert change[~grown(mask, 6)].mean() < 12


@pytest.mark.parametrize("colour", [(230, 40, 70), (20, 60, 230), (255, 255, 255), (0, 0, 0)])
def test_an_area_is_seen_on_any_colour_and_a_small_picture_is_not_shown_smaller_with_it(
    colour: tuple[int, int, int],
) -> None:
    plain = Image.new("RGB", (128, 160), colour)
    mask = np.zeros((160, 128), bool)
    mask[:, :64] = True
    file = io.BytesIO()
    plain.save(file, "PNG")
    with (
        Image.open(io.BytesIO(overlay(plain, mask))) as shown,
        Image.open(io.BytesIO(collage.photo(file.getvalue()))) as unmarked,
    ):
        assert shown.size == unmarked.size == (384, 480)
        levels = np.asarray(shown, float)
    tinted, untouched = levels[:, :150].mean(axis=(0, 1)), levels[:, 250:].mean(axis=(0, 1))
    assert np.abs(tinted - untouched).mean() > 40
