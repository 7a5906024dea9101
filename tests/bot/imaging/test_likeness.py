"""A painted copy is known by signatures alone, and what nobody has painted over is never taken for one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.bench_masks import cases, guessed
from benchmarks.paintings import COLOURS, blob, paint, ring, sent
from benchmarks.pairs import EDITS, PAIRS, dated, saved, some
from benchmarks.scenes import drawing, page, scene
from bot.imaging import collage
from bot.imaging.likeness import ASKED, painted_over, shaped_alike
from bot.imaging.signature import BYTES, SIDE, signature

STAR = drawing(3)
STREET = scene(5, (480, 360))


def filed(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_paintings_of_every_kind_are_guessed_whatever_a_messenger_has_done_to_them() -> None:
    paintings = [case.painting(1024) for case in cases(12)]
    assert all(guessed(picture, copy) for picture, copy, _meant in paintings)


@pytest.mark.parametrize("original", [STAR, STREET, page(4)], ids=["a drawing", "a scene", "a page"])
@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_ring_around_something_is_seen_on_any_picture(original: Image.Image, colour: str) -> None:
    copy = paint(original, ring((0.5, 0.5), 0.3, 0.04, COLOURS[colour]))[0]
    assert guessed(original, sent(copy, scale=0.8, quality=75))


@pytest.mark.parametrize("kind", PAIRS)
def test_of_each_kind_of_pair_that_nobody_has_painted_over_none_is_taken_for_paint(kind: str) -> None:
    make, _count = PAIRS[kind]
    assert not any(guessed(*make(seed)) for seed in (1, 2))


def test_a_star_as_a_photo_and_again_as_a_file_is_no_paint_by_the_ringing_of_the_photo() -> None:
    for quality in (20, 60, 87):
        photo = saved(STAR, "JPEG", quality=quality, subsampling=2)
        for again in (STAR, saved(STAR, "TIFF"), saved(STAR.resize((256, 256), Image.Resampling.LANCZOS), "PNG")):
            assert not guessed(photo, again) and not guessed(again, photo)


def test_a_small_picture_is_known_by_the_larger_photo_that_people_see_of_it() -> None:
    small = STAR.resize((128, 128), Image.Resampling.BOX)
    shown = Image.open(io.BytesIO(collage.photo(filed(small)))).convert("RGB")
    assert not guessed(small, sent(shown, quality=40))
    assert guessed(small, sent(paint(sent(shown), ring((0.5, 0.5), 0.35, 0.04, COLOURS["green"]))[0]))


def test_somebody_who_walks_on_in_a_red_coat_is_no_paint() -> None:
    """What a coat has left shows what was behind it, which no brush paints."""
    behind = STREET
    coats = []
    for x in (150, 230):
        coats.append(behind.copy())
        coats[-1].paste((200, 30, 40), (x, 180, x + 40, 300))
    assert not guessed(*coats)
    assert guessed(behind, coats[0]), "but where nobody was before, a plain red area is what a brush leaves"


@pytest.mark.parametrize("speck", [(220, 40, 40), (0, 255, 255), (255, 255, 255)])
def test_a_plain_picture_is_known_by_its_ground_whatever_a_speck_of_it_is(speck: tuple[int, int, int]) -> None:
    plain = Image.new("RGB", (256, 256), (220, 40, 40))
    plain.putpixel((0, 0), speck)
    assert guessed(plain, sent(paint(plain, blob((0.5, 0.5), 0.2, 0.06, COLOURS["green"]))[0]))
    assert not guessed(plain, Image.new("RGB", (256, 256), (30, 60, 210)))


def test_the_same_ground_is_no_proof_unless_somebody_was_asked_to_paint_over_it() -> None:
    star, covered = drawing(3, ground=(30, 80, 200)), drawing(3, ground=(30, 80, 200))
    covered.paste((250, 205, 30), (60, 60, 450, 450))
    ours, theirs = signature(star), signature(covered)
    assert not painted_over(ours, theirs)
    assert painted_over(ours, theirs, ASKED)


def test_the_date_on_a_photo_is_no_paint_and_neither_is_a_filter() -> None:
    for edit in (dated, *EDITS[:6]):
        assert not guessed(STREET, saved(edit(STREET, 0), "JPEG", quality=87))


def test_what_was_signed_in_another_way_or_has_another_shape_is_compared_with_nothing() -> None:
    ours = signature(some(2))
    assert len(ours) == BYTES == 3 * SIDE**2
    assert not painted_over(ours[:-1], ours) and not painted_over(b"", ours)
    assert shaped_alike((4000, 3000), (1280, 960)) and not shaped_alike((4000, 3000), (960, 1280))


def test_a_signature_is_the_same_after_a_messenger_but_for_a_few_levels() -> None:
    ours, theirs = (np.frombuffer(signature(one), np.uint8) for one in (STREET, sent(STREET, scale=0.7, quality=75)))
    assert np.abs(np.subtract(ours, theirs, dtype=np.int16)).mean() < 3


def test_a_dot_is_paint_where_paint_was_asked_for() -> None:
    copy = paint(STREET, blob((0.6, 0.5), 0.02, 0.03, COLOURS["yellow"]))[0]
    assert painted_over(signature(STREET), signature(sent(copy)), ASKED)
