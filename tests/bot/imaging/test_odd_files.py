"""What becomes of every odd file that people have sent: the right pixels, or the right refusal."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from bot.imaging.deeds import Refused, Task, check
from bot.imaging.weighing import Weight
from inference.blobs import decode_picture, profiles
from inference.blobs.pictures import heic_supported
from tests.hostile.bombs import chunk, saved
from tests.hostile.pictures import CORPUS

Pixels = NDArray[np.uint8]
RED, BLUE = (210, 40, 40), (40, 60, 210)
PLAIN = np.asarray(decode_picture(CORPUS / "rgb16.png"))  # a line of white, then red beside blue
MOST = Weight(1 << 40, 1e6)
CLOSE = 3.0  # levels, on average: JPEG, WebP and HEIC are not exact


def two(left: tuple[int, int, int], right: tuple[int, int, int]) -> Pixels:
    """The plain picture in other colours."""
    red = (PLAIN[..., 0] > 128) & (PLAIN[..., 1] < 128)
    blue = (PLAIN[..., 2] > 128) & (PLAIN[..., 1] < 128)
    made = PLAIN.copy()
    made[red], made[blue] = left, right
    return made


def grey(of: Callable[[Pixels], Pixels] = lambda ramp: ramp) -> Pixels:
    """A ramp from left to right, its levels made into others."""
    ramp = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (192, 1))
    return np.repeat(of(ramp)[..., None], 3, axis=2).astype(np.uint8)


UPRIGHT = {
    **dict.fromkeys(
        (
            *("animated.gif", "animated.png", "animated.webp", "still.gif", "one_frame.webp", "cmyk.jpg", "ycbcr.tif"),
            *("exif_header_only.jpg", "exif_orient_string.jpg", "icc_garbage.jpg", "png_icc_2mb.png", "photo.avif"),
            *("png_no_iend.png", "png_text_bad_crc.png", "png_trailing_junk.png", "png_ztxt_3mb_workflow.png"),
            *("png_ztxt_bad_method.png", "rgb16.png", "rgba16.png", "palette_trns_index.png"),
            *("plain.heic", "brand_hevx.heic", "brand_mif1.heic", "burst_two.heic", "ten_bit.heic"),
        ),
        PLAIN,
    ),
    **dict.fromkeys(
        (
            *("exif_ascii_as_number.jpg", "exif_gps_broken.jpg", "exif_interop_loop.jpg", "exif_negative_rational.jpg"),
            *("exif_offset_outside.jpg", "exif_orient6.jpg", "exif_orient6.png", "exif_orient6.webp", "orient6.heic"),
            *("exif_orient_two.jpg", "exif_subifd_wrong_type.jpg", "exif_twice.jpg", "exif_two_resolutions.jpg"),
            *("exif_zero_denominator.jpg", "phone.mpo.jpg", "xmp_orient6.png"),
        ),
        np.rot90(PLAIN, -1),
    ),
    "exif_orient3.jpg": np.rot90(PLAIN, 2),
    "exif_orient5.jpg": PLAIN.swapaxes(0, 1),
    "exif_orient8.jpg": np.rot90(PLAIN),
    **dict.fromkeys(("icc_p3.jpg", "icc_p3.png"), two((229, 0, 24), (34, 61, 218))),
    **dict.fromkeys(("icc_swapped.jpg", "icc_swapped.png"), two((40, 40, 210), (210, 60, 40))),
    "palette_trns.png": two((232, 147, 147), BLUE),
    "grey.heic": two((91, 91, 91), (71, 71, 71)),
    "grey16.png": grey(),
    "grey16_trns.png": grey(lambda ramp: np.where(ramp == 0, np.uint8(255), ramp)),
    "grey16_dark.png": grey(lambda ramp: ramp // 200),
    "grey16_black.png": grey(np.zeros_like),
    "all_transparent.png": np.full_like(PLAIN, 255),
    "one_bit_trns.png": np.full_like(PLAIN, 255),
}
POINTS = {  # others, by what they show at a few places
    "alpha.heic": {(64, 48): (244, 201, 201), (192, 144): (93, 107, 221)},
    "grey_alpha.png": {(64, 48): (214, 214, 214), (255, 191): (71, 71, 71)},
    "one_bit.png": {(64, 48): (255, 255, 255), (192, 48): (0, 0, 0)},
    "jpeg_named.png": {(200, 150): RED, (600, 150): BLUE},
    "odd_257x131.png": {(64, 32): RED, (192, 32): BLUE},
    "strip_64x2048.png": {(512, 16): RED, (1536, 16): BLUE},
    "strip_64x4000.png": {(1000, 16): RED, (3000, 16): BLUE},
    "tall_64x2048.png": {(16, 512): RED, (48, 512): BLUE},
    "wide_12000x70.png": {(3000, 20): (255, 0, 0)},
}
REFUSED = {
    **dict.fromkeys(("empty.png", "html_named.jpg", "jxl_header.jxl", "photo.jp2", "zero_width.png"), "not_an_image"),
    **dict.fromkeys(("truncated_20_bytes.jpg", "truncated_2_bytes.jpg", "truncated_half.jpg", "cut.heic"), "broken"),
    "bomb_60000.png": "too_many_pixels",
    "one_px.png": "too_small",
    "tall_70x20000.png": "too_long",
}
MOVING = ("animated.gif", "animated.png", "animated.webp")


def checked(content: bytes, folder: Path) -> dict[str, object]:
    """What the decoding process says of a file."""
    path = folder / "sent"
    path.write_bytes(content)
    return check(Task((path,), MOST, into=folder / "written")).facts


def seen(content: bytes, folder: Path) -> Pixels:
    """The pixels that are worked from. Both who checks a file and who opens it again agree on its size and format."""
    facts = checked(content, folder)
    kept = (folder / "written").read_bytes() if facts["rewritten"] else content
    picture = decode_picture(kept)
    assert (facts["width"], facts["height"]) == picture.size
    return np.asarray(picture)


def near(have: Pixels, want: Pixels, most: float = CLOSE) -> bool:
    return have.shape == want.shape and float(np.abs(have.astype(float) - want).mean()) <= most


def decodable(name: str) -> bool:
    return heic_supported() if name.endswith(".heic") else features.check("avif") or not name.endswith(".avif")


def test_every_odd_file_has_its_right_value_here() -> None:
    assert {*UPRIGHT, *POINTS, *REFUSED} == {path.name for path in CORPUS.iterdir()}


@pytest.mark.parametrize("name", UPRIGHT)
def test_it_is_upright_in_srgb_and_eight_bits(name: str, tmp_path: Path) -> None:
    if not decodable(name):
        pytest.skip("its decoder is a part of its own")
    content = (CORPUS / name).read_bytes()
    assert near(seen(content, tmp_path), UPRIGHT[name])
    assert checked(content, tmp_path)["moving"] == (name in MOVING)


@pytest.mark.parametrize("name", POINTS)
def test_it_shows_what_it_shows_elsewhere(name: str, tmp_path: Path) -> None:
    if not decodable(name):
        pytest.skip("its decoder is a part of its own")
    picture = seen((CORPUS / name).read_bytes(), tmp_path)
    for (x, y), colour in POINTS[name].items():
        assert np.abs(picture[y, x].astype(int) - colour).max() <= 4


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_for_what_is_wrong_with_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        checked((CORPUS / name).read_bytes(), tmp_path)
    if decodable(name):
        assert refusal.value.trouble == REFUSED[name]


# Depth


def tiff(levels: NDArray[np.generic], photometric: int = 1, **more: tuple[int, int]) -> bytes:
    """A TIFF of one strip, grey, of whatever numbers these are."""
    height, width = levels.shape
    kind = {"u": 1, "i": 2, "f": 3}[levels.dtype.kind]
    tags = {256: width, 257: height, 258: levels.itemsize * 8, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height}
    tags |= {279: levels.nbytes, 339: kind}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + bytes(4) + levels.tobytes()


RAMP = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (64, 1))
FLAT = np.repeat((RAMP * 255).round()[..., None], 3, axis=2).astype(np.uint8)
NO_NUMBER = RAMP.copy()
NO_NUMBER[:, 100], NO_NUMBER[:, 101], NO_NUMBER[:, 102] = np.nan, np.inf, -np.inf
HOLED = FLAT.copy()
HOLED[:, 100], HOLED[:, 101], HOLED[:, 102] = 0, 255, 0


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (tiff((RAMP * 65535).astype(np.uint16)), FLAT),
        (tiff((RAMP * 4095).astype(np.uint16)), (FLAT / 16).round()),
        (tiff((RAMP * 200).astype(np.uint16)), np.where(RAMP > 0.6, 1, 0)[..., None].repeat(3, 2)),
        (tiff((RAMP * 65535).astype(np.uint16), photometric=0), 255 - FLAT),
        (tiff((RAMP * 32767).astype(np.int16)), FLAT),
        (tiff((RAMP * 70000).astype(np.int32)), np.minimum(255, FLAT * (70000 / 65535))),
        (tiff((RAMP * 300).astype(np.int32)), np.where(RAMP > 0.4, 1, 0)[..., None].repeat(3, 2)),
        (tiff(RAMP), FLAT),
        (tiff(RAMP * np.float32(0.01)), (FLAT / 100).round()),
        (tiff(RAMP * 2 - np.float32(0.5)), np.clip(FLAT * 2.0 - 127.5, 0, 255)),
        (tiff(NO_NUMBER), HOLED),
    ],
    ids=[
        "16",
        "12 of 16",
        "dark",
        "white is 0",
        "signed",
        "32",
        "dark 32",
        "float",
        "dark float",
        "beyond",
        "no number",
    ],
)
def test_grey_is_scaled_by_the_depth_of_its_file_and_not_by_how_bright_it_is(
    content: bytes, want: Pixels, tmp_path: Path
) -> None:
    assert near(seen(content, tmp_path), want, 0.6)


# Transparency


def png(depth: int, colour: int, row: bytes, *, width: int = 64, before: bytes = b"") -> bytes:
    """A PNG whose 64 rows are all the same."""
    head = struct.pack(">IIBBBBB", width, 64, depth, colour, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", pixels) + chunk(b"IEND")


@pytest.mark.parametrize(
    ("content", "clear", "other"),
    [
        (png(1, 0, b"\xff" * 4 + b"\0" * 4, before=chunk(b"tRNS", b"\0\0")), (63, 0), ((0, 0), 255)),
        (png(1, 0, b"\0" * 4 + b"\xff" * 4, before=chunk(b"tRNS", b"\0\1")), (63, 0), ((0, 0), 0)),
        (png(2, 0, b"\x55" * 8 + b"\xaa" * 8, before=chunk(b"tRNS", b"\0\1")), (0, 0), ((63, 0), 170)),
        (png(4, 0, b"\x11" * 16 + b"\x99" * 16, before=chunk(b"tRNS", b"\0\x09")), (63, 0), ((0, 0), 17)),
        (png(8, 0, b"\x11" * 32 + b"\x99" * 32, before=chunk(b"tRNS", b"\0\x11")), (0, 0), ((63, 0), 0x99)),
        (png(16, 0, b"\1\2" * 32 + b"\1\3" * 32, before=chunk(b"tRNS", b"\1\2")), (0, 0), ((63, 0), 1)),
        (
            png(16, 2, b"\1\2\3\4\5\6" * 32 + b"\x11\2\x11\4\x11\6" * 32, before=chunk(b"tRNS", b"\1\2\3\4\5\6")),
            *((0, 0), ((63, 0), 17)),
        ),
    ],
    ids=["black of 1 bit", "white of 1 bit", "2 bits", "4 bits", "8 bits", "16 bits", "colour of 16 bits"],
)
def test_a_transparent_colour_is_the_one_that_the_file_names_at_every_depth(
    content: bytes, clear: tuple[int, int], other: tuple[tuple[int, int], int], tmp_path: Path
) -> None:
    picture = seen(content, tmp_path)
    assert picture[clear[1], clear[0]].tolist() == [255, 255, 255]
    (x, y), level = other
    assert picture[y, x].tolist() == [level] * 3


# Colours


def profile(gamma: float, swapped: bool = False) -> bytes:
    corners = profiles.SRGB if not swapped else (*profiles.SRGB[2::-1], profiles.SRGB[3])
    made = profiles.made(corners, gamma)
    assert made is not None
    return made


SOLID = Image.new("RGB", (96, 64), RED)
GREY_LINEAR = profile(0.45455).replace(b"RGB XYZ ", b"GRAYXYZ ").replace(b"rTRC", b"kTRC")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GAMMA, CORNERS = (
    b"gAMA" + struct.pack(">I", 100_000),
    struct.pack(">8I", 31270, 32900, *(15000, 6000, 30000, 60000), 64000, 33000),
)


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (saved(SOLID, "PNG", icc_profile=SRGB), RED),
        (saved(SOLID.convert("RGBA"), "PNG", icc_profile=profile(1, swapped=True)), (40, 40, 210)),
        (saved(SOLID.quantize(4), "PNG", icc_profile=profile(1, swapped=True)), (40, 40, 210)),
        (saved(SOLID, "WEBP", lossless=True, icc_profile=profile(1, swapped=True)), (40, 40, 210)),
        (saved(SOLID, "TIFF", icc_profile=profile(1, swapped=True)), (40, 40, 210)),
        (saved(SOLID, "PNG", icc_profile=profile(1, swapped=True)[:200]), RED),
        (saved(SOLID.convert("L"), "PNG", icc_profile=profile(1, swapped=True)), (91, 91, 91)),
        (saved(SOLID.convert("L"), "PNG", icc_profile=GREY_LINEAR), (160, 160, 160)),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"gAMA", struct.pack(">I", 45455))), RED),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"gAMA", struct.pack(">I", 100_000))), (233, 110, 110)),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100_000))), RED),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"cHRM", CORNERS)), (40, 40, 210)),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"cHRM", bytes(32))), RED),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"cICP", b"\x0c\x0d\0\1")), (229, 0, 24)),
        (png(8, 2, bytes(RED) * 64, before=chunk(b"cICP", b"\x09\x10\0\1")), RED),
    ],
    ids=[
        *(
            "sRGB",
            "RGBA",
            "palette",
            "WebP",
            "TIFF",
            "cut off",
            "of colours, for grey",
            "of grey",
            "gamma of sRGB",
            "linear",
        ),
        *("sRGB before gamma", "corners", "corners of nothing", "P3 by number", "HDR is left alone"),
    ],
)
def test_colours_are_brought_into_srgb_whatever_way_a_file_tells_them(
    content: bytes, want: tuple[int, int, int], tmp_path: Path
) -> None:
    assert np.abs(seen(content, tmp_path)[32, 32].astype(int) - want).max() <= 2


def with_profile(heic: bytes, profile: bytes) -> bytes:
    """An HEIC whose colours are told by a profile instead of by number; what lies behind it moves."""
    start = heic.index(b"colrnclx") - 4
    box = struct.pack(">I", 12 + len(profile)) + b"colrprof" + profile
    more = len(box) - 19
    made = bytearray(heic[:start] + box + heic[start + 19 :])
    for name in (b"meta", b"iprp", b"ipco"):
        place = heic.index(name) - 4
        made[place : place + 4] = (int.from_bytes(heic[place : place + 4], "big") + more).to_bytes(4, "big")
    pixels = struct.pack(">I", heic.index(b"mdat") + 4)
    place = heic.index(pixels, heic.index(b"iloc"))
    made[place : place + 4] = struct.pack(">I", heic.index(b"mdat") + 4 + more)
    return bytes(made)


P3 = two((229, 0, 24), (34, 61, 218))
HEIC, AVIF = (CORPUS / "plain.heic").read_bytes(), (CORPUS / "photo.avif").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "want"),
    [
        ("number.avif", AVIF.replace(b"colrnclx\0\1", b"colrnclx\0\x0c"), P3),
        ("number.heic", HEIC.replace(b"colrnclx\0\1", b"colrnclx\0\x0c"), P3),
        ("profile.heic", with_profile(HEIC, profiles.coded(12, 13) or b""), P3),
        ("swapped.heic", with_profile(HEIC, profile(1, swapped=True)), two((40, 40, 210), (210, 60, 40))),
        ("broken.heic", with_profile(HEIC, profile(1, swapped=True)[:100]), PLAIN),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_photo_in_boxes_that_tells_its_colours_is_brought_into_srgb(
    name: str, content: bytes, want: Pixels, tmp_path: Path
) -> None:
    if not decodable(name):
        pytest.skip("its decoder is a part of its own")
    assert near(seen(content, tmp_path), want)


# Metadata


def exif(*entries: bytes) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def told(turn: int, kind: int = 3) -> bytes:
    return struct.pack("<HHII", 0x0112, kind, 1, turn)


def with_segments(*blocks: bytes) -> bytes:
    plain = saved(Image.fromarray(PLAIN), "JPEG", quality=95)
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    return plain[:2] + segments + plain[2:]


def as_png(before: bytes = b"", after: bytes = b"") -> bytes:
    """The plain picture with chunks before its pixels and behind them."""
    content = saved(Image.fromarray(PLAIN), "PNG")
    return content[:33] + before + content[33:-12] + after + content[-12:]


RAW_PROFILE = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n      26\n" + exif(told(6)).hex().encode())


@pytest.mark.parametrize(
    ("content", "turned"),
    [
        (with_segments(b"Exif\0\0" + exif(told(6))), True),
        (with_segments(b"Exif\0\0" + exif(told(6, kind=4))), True),
        (with_segments(b"Exif\0\0" + exif(told(0)), b"Exif\0\0" + exif(told(6))), True),
        (with_segments(b"Exif\0\0" + exif(told(6)), b"Exif\0\0" + exif(told(3))), True),
        (with_segments(b"Exif\0\0" + exif(told(9))), False),
        (with_segments(b"Exif\0\0" + exif(told(6))[:16]), False),
        (with_segments(b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'/>"), True),
        (with_segments(b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>61</tiff:Orientation>"), False),
        (with_segments(b"Exif\0\0" + exif(*(struct.pack("<HHII", 0x927C, 7, 1 << 31, 1 << 31),) * 400, told(6))), True),
        (as_png(after=chunk(b"eXIf", exif(told(6)))), True),
        (as_png(chunk(b"zTXt", RAW_PROFILE)), True),
        (saved(Image.fromarray(PLAIN), "TIFF", tiffinfo={0x0112: 6}), True),
        (saved(Image.fromarray(PLAIN), "TIFF", tiffinfo={0x0112: 6, 0x010F: "x" * 9}, compression="tiff_lzw"), True),
        (
            saved(Image.fromarray(PLAIN), "AVIF", quality=95, exif=b"Exif\0\0" + exif(told(6)))
            if features.check("avif")
            else as_png(chunk(b"eXIf", exif(told(6)))),
            True,
        ),
    ],
    ids=[
        *("short", "long", "second block", "first block", "no turn", "cut off", "XMP", "XMP that makes no sense"),
        *("beside broken notes", "behind the pixels", "as text", "TIFF", "packed TIFF", "AVIF"),
    ],
)
def test_a_turn_is_found_wherever_it_is_told_and_nothing_else_is_looked_at(
    content: bytes, turned: bool, tmp_path: Path
) -> None:
    assert near(seen(content, tmp_path), np.rot90(PLAIN, -1) if turned else PLAIN)


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "tIME", "pHYs", "sBIT", "vpAg"])
def test_nothing_wrong_beside_the_pixels_of_a_png_costs_the_picture(kind: str, tmp_path: Path) -> None:
    side = bytearray(chunk(kind.encode(), b"a\0\7" + b"\xff" * 50))
    side[-1] ^= 0xFF
    assert near(seen(as_png(bytes(side)), tmp_path), PLAIN, 0)


@pytest.mark.parametrize(
    ("kind", "content"), [("tRNS", b"\0\1"), ("tRNS", b"\0" * 7), ("PLTE", b"\0" * 7)], ids=["short", "odd", "palette"]
)
def test_nor_does_a_chunk_that_makes_no_sense_for_its_kind_of_picture(
    kind: str, content: bytes, tmp_path: Path
) -> None:
    assert near(seen(as_png(chunk(kind.encode(), content)), tmp_path), PLAIN, 0)


def test_a_transparent_colour_counts_whatever_its_checksum_says(tmp_path: Path) -> None:
    told = bytearray(chunk(b"tRNS", struct.pack(">3H", *RED)))
    told[-1] ^= 0xFF
    assert near(seen(as_png(bytes(told)), tmp_path), two((255, 255, 255), BLUE), 0)


def test_a_table_of_a_tiff_that_points_at_nothing_costs_no_picture(tmp_path: Path) -> None:
    """Pointers to further tables, which Pillow follows when it turns a picture, and cannot write back."""
    content = bytearray(saved(Image.fromarray(PLAIN), "TIFF", tiffinfo={0x0112: 6, 34665: 8, 34853: 8}))
    for tag in (34665, 34853):
        place = content.find(struct.pack("<HH", tag, 4))
        content[place + 8 : place + 12] = b"\xf0\xff\xff\x7f"
    assert near(seen(bytes(content), tmp_path), np.rot90(PLAIN, -1), 0)


def test_a_heic_with_notes_that_make_no_sense_is_read(tmp_path: Path) -> None:
    if not heic_supported():
        pytest.skip("its decoder is a part of its own")
    content = (CORPUS / "orient6.heic").read_bytes()
    broken = content.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff")
    assert broken != content
    assert near(seen(broken, tmp_path), np.rot90(PLAIN, -1))


@pytest.mark.parametrize(
    ("size", "trouble"), [((64, 16_385), "too_long"), ((8_001, 8_000), "too_many_pixels"), ((63, 16_385), "too_small")]
)
def test_a_picture_is_refused_for_what_is_too_much_of_it(size: tuple[int, int], trouble: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    with pytest.raises(Refused) as refusal:
        checked(buffer.getvalue(), tmp_path)
    assert refusal.value.trouble == trouble
    assert refusal.value.detail == f"{size[0]}×{size[1]}"
