"""Names on pictures: every one is written with letters, fits its room, and leaves the rest of the picture alone."""

from __future__ import annotations

import io
from importlib.resources import files

import pytest
from PIL import Image, ImageFont

from bot.imaging import collage
from bot.imaging.labels import put_label, written
from bot.prompt.styles import styles

NAMES = [name for style in styles().values() for name in style.names.values()]
FONT = files("bot.imaging") / "fonts" / "DejaVuSans-Bold.ttf"
GREEN = (0, 160, 0)


def png(size: tuple[int, int] = (384, 384)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, GREEN).save(buffer, "PNG")
    return buffer.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def touched(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of what is no longer green."""
    return Image.eval(image.getchannel("G"), lambda level: 0 if level == GREEN[1] else 255).getbbox()


def labelled(text: str, *, room: int = 200, height: int = 40) -> Image.Image:
    image = Image.new("RGB", (300, 100), GREEN)
    put_label(image, 50, 30, room, height, text)
    return image


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_style_is_written_in_full_without_a_missing_sign(name: str) -> None:
    assert written(name) == name
    font = ImageFont.truetype(io.BytesIO(FONT.read_bytes()), 40)
    missing = bytes(font.getmask("\uffff"))
    assert missing and all(bytes(font.getmask(sign)) != missing for sign in name)


def test_every_sign_that_passes_has_a_picture_in_the_font() -> None:
    font = ImageFont.truetype(io.BytesIO(FONT.read_bytes()), 40)
    missing = bytes(font.getmask("\uffff"))
    passing = [chr(code) for code in range(0x21, 0x2FFF) if written(chr(code))]
    assert len(passing) > 300
    assert [sign for sign in passing if bytes(font.getmask(sign)) == missing] == []


def test_the_font_is_small_and_its_licence_lies_beside_it() -> None:
    assert len(FONT.read_bytes()) < 100_000
    assert "Bitstream" in (files("bot.imaging") / "fonts" / "LICENSE.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("🌸 Аниме", "Аниме"),
        ("👩‍🎨️ Ink\r\n\tdrawing\x00", "Ink drawing"),
        ("\u202egnitniap\u2066", "gnitniap"),
        ("漢字 · Ёж № 5", "· Ёж № 5"),
        ("<b>& --x</b>", "<b>& --x</b>"),
        ("\u0301" * 500, ""),
    ],
)
def test_what_the_font_has_no_sign_for_is_left_out(text: str, seen: str) -> None:
    assert written(text) == seen


@pytest.mark.parametrize(
    "text", ["Ж", "Портретное фото", "Щ" * 5000, "word " * 50, "fi\u0301n" * 90, "…" * 90, "i" * 60]
)
@pytest.mark.parametrize(("room", "height"), [(200, 40), (60, 40), (40, 40), (41, 22)])
def test_a_name_never_leaves_its_room(text: str, room: int, height: int) -> None:
    box = touched(labelled(text, room=room, height=height))
    assert box is None or (box[0] >= 50 and box[1] >= 30 and box[2] <= 50 + room and box[3] <= 30 + height)
    assert box is not None or room < 2 * height  # where hardly a letter fits


def test_a_long_name_is_written_smaller_before_it_is_cut() -> None:
    alone = labelled("Очень длинное имя", room=240)
    cut = labelled("Очень длинное имя, которое никогда не кончится", room=240)
    assert touched(alone) is not None and touched(cut) is not None
    assert alone.tobytes() != cut.tobytes()


def test_where_nothing_can_be_written_there_is_no_strip() -> None:
    assert touched(labelled("漢字🌸")) is None


def test_each_picture_of_a_grid_has_its_number_and_beside_it_its_name() -> None:
    plain, named = (opened(collage.grid([png()] * 4, names)) for names in ([], ["Аниме", "漢字", "Ink", "Малевич"]))
    assert plain.size == named.size == (384 * 2 + collage.GAP, 384 * 2 + collage.GAP)

    def dark(image: Image.Image, left: int, top: int) -> int:
        """Pixels of a strip right of the number of a tile."""
        strip = image.crop((left + 60, top + 14, left + 360, top + 48)).getchannel("G")
        return sum(strip.histogram()[:90])

    far = 384 + collage.GAP
    places = [(0, 0), (far, 0), (0, far), (far, far)]
    assert [dark(plain, *place) > 500 for place in places] == [False] * 4
    assert [dark(named, *place) > 500 for place in places] == [True, False, True, True]
