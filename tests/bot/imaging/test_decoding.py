"""What strangers' files become: upright, without transparency, in eight bits; or a clear refusal."""

from __future__ import annotations

import base64
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from bot.imaging import deeds
from bot.imaging.decoder import QUICK
from bot.imaging.deeds import Refused, Task
from inference.blobs import UnreadablePicture, decode_picture, pictures
from inference.blobs.pictures import heic_supported
from tests.hostile.pictures import CORPUS

RED, BLUE = (220, 40, 40), (30, 60, 210)
# 96 x 64, its left half red and its right half blue.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAA"
    "AAAERAAAEAAQAAAAABegABAAAAAAAAAH4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAA"
    "AAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkA"
    "AAAwAAAwAeoDCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABgAAAA"
    "QAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAAIZtZGF0AAAAeigBrwng4wucuq///elP//4b95D92YqkglP/57/p38"
    "Fjf/96TBrFlbGjvL7/A+znFSBDUIZcuyYrsq5V6I0Z+6MB463RD41b3yCKWILc/+0te6BfxcAzkZ1+cCsnv1f47m++CcP+3XhBRfkrtPgEE5/L"
    "b/drPHzW11GA"
)


def halves(mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (96, 64), RED)
    image.paste(BLUE, (48, 0, 96, 64))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(content: bytes) -> Image.Image:
    image = decode_picture(content)
    assert image.mode == "RGB"
    return image


def near(pixel: object, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(have - want) <= tolerance for have, want in zip(pixel, colour, strict=True))


def test_a_photo_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image = read(saved(halves(), "JPEG", exif=exif, quality=95))
    assert image.size == (64, 96)
    assert near(image.getpixel((32, 10)), RED)
    assert near(image.getpixel((32, 85)), BLUE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_lies_on_white(kind: str) -> None:
    image = halves("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 48, 64))
    image.putpixel((70, 30), (*BLUE, 128))
    seen = read(saved(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert seen.getpixel((10, 10)) == (255, 255, 255)
    assert seen.getpixel((90, 10)) == BLUE
    assert near(seen.getpixel((70, 30)), (142, 157, 232), 2)


def test_a_palette_with_a_transparent_colour_lies_on_white_too() -> None:
    image = halves().quantize(2)
    red = image.getpixel((0, 0))
    seen = read(saved(image, "PNG", transparency=red))
    assert seen.getpixel((10, 10)) == (255, 255, 255)
    assert near(seen.getpixel((90, 10)), BLUE, 2)


def test_grey_of_sixteen_bits_is_scaled_and_not_cut_off() -> None:
    image = Image.new("I;16", (96, 64), 32768)
    image.paste(65535, (48, 0, 96, 64))
    seen = read(saved(image, "PNG"))
    assert near(seen.getpixel((10, 10)), (128, 128, 128), 1)
    assert seen.getpixel((90, 10)) == (255, 255, 255)


@pytest.mark.skipif(not heic_supported(), reason="the decoder of HEIC is a part of its own: pi-heif")
def test_a_photo_of_an_iphone_is_read() -> None:
    seen = read(HEIC)
    assert seen.size == (96, 64)
    assert near(seen.getpixel((10, 10)), RED, 24)
    assert near(seen.getpixel((90, 10)), BLUE, 24)


def test_without_its_decoder_a_photo_of_an_iphone_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(deeds, "heic_supported", lambda: False)
    photo = tmp_path / "photo"
    photo.write_bytes(HEIC)
    with pytest.raises(Refused) as refusal:
        deeds.check(Task((photo,), QUICK))
    assert refusal.value.trouble == "no_heic"


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_turn_that_a_camera_knows_is_undone_once_and_as_pillow_does_it(
    turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "BAND_PIXELS", 1000)  # several bands, and a last one that is lower
    image = Image.radial_gradient("L").resize((97, 65)).convert("RGB")
    image.paste(RED, (5, 5, 30, 15))
    exif = Image.Exif()
    exif[0x0112] = turn
    content = saved(image, "PNG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert np.array_equal(np.asarray(read(content)), np.asarray(wanted))


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_odd_file_becomes_a_picture_or_is_unreadable_and_nothing_else(path: Path) -> None:
    with contextlib.suppress(UnreadablePicture):
        read(path.read_bytes())
