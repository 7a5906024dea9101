"""Files that people sent, made into pictures to work from: upright, in eight bits, RGB of sRGB, transparency on white.

One function of the bytes alone, so that what is kept may be the file as it came: the bot's decoding children and the
engine make the same pixels of it. HEIC is kept as it came as well: the worker runs with the bot's own Python, and so
with the decoder that has checked it. Nothing here is decoded at reduced size: what that gives depends on the library.
Decoders are handed what pixels need (`inference.blobs.bare`), and of what moves the first frame is taken.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from PIL import AvifImagePlugin, Image, features

from inference.blobs import exif, levels, profiles
from inference.blobs.bare import bared
from inference.blobs.bare.file import MOST_PROFILE
from inference.blobs.colours import Converted, to_srgb
from inference.requests.fields import MAX_PICTURE_SIDE, MAX_PIXELS

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
BAND_PIXELS = 4_000_000  # converted at once: beside the picture itself nothing large is ever held
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # its pixels are to cost what they are counted for
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadablePicture(ValueError):
    """Stored bytes are no picture, a broken one, or one larger than any picture here may be."""


@cache
def heic_supported() -> bool:
    """Whether the decoder of iPhone photos is installed; it is a part of its own."""
    try:
        from pi_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener(thumbnails=False)
    return True


@cache
def avif_supported() -> bool:
    """Whether Pillow was built with a decoder of AVIF, as all are that pip installs."""
    return bool(features.check("avif"))


@dataclass(frozen=True)
class Opened:
    """The picture of an open file, not decoded yet: its width and height when upright, how it is turned, the profile of
    its colours, and whether it is the first of several frames. To be used as a context, which closes the file."""

    image: Image.Image
    file: BinaryIO
    size: tuple[int, int]
    turn: int
    profile: bytes | None
    moving: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.file.close()

    def upright(self) -> Image.Image:
        """The picture as it is meant to be seen, in RGB. It holds one copy of the picture beside the one it is given; a
        plain one is returned as it is."""
        self.image.load()
        return _upright(self.image, self.turn, self.profile)

    def corner(self) -> Image.Image:
        """A corner of the loaded picture made into RGB, for whoever wants to know no more than that it can be."""
        return _upright(self.image.crop((0, 0, 8, 8)), self.turn, self.profile)


def opened(source: bytes | Path) -> Opened:
    """The picture of a file, not decoded yet. Raises whatever Pillow raises about files that are none."""
    formats = [*FORMATS, *(["AVIF"] if avif_supported() else []), *(["HEIF"] if heic_supported() else [])]
    file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    try:
        bare = bared(file)
        image = Image.open(bare.file, formats=formats)
        moving = bare.moving or (image.format in ("GIF", "WEBP", "AVIF") and getattr(image, "is_animated", False))
        turn = bare.turn if bare.turn is not None else _turn(image)
        width, height = image.size
        size = (height, width) if turn >= 5 else (width, height)
        return Opened(image, file, size, turn, bare.profile or _profile(image), moving)
    except BaseException:
        file.close()
        raise


def decode_picture(source: bytes | Path) -> Image.Image:
    """The picture in a file, RGB and upright. Raises UnreadablePicture; size is bounded before a pixel is decoded."""
    try:
        with warnings.catch_warnings(action="ignore"), opened(source) as picture:  # they tell what the file says
            if not within_bounds(picture.size):
                raise UnreadablePicture(f"a picture of {'x'.join(map(str, picture.size))} is too large")
            return picture.upright()
    except UnreadablePicture:
        raise
    except Exception as broken:  # the libraries have no common error for bytes that they cannot make sense of
        raise UnreadablePicture(f"{type(broken).__name__}: {broken}") from broken


def within_bounds(size: tuple[int, int]) -> bool:
    """Whether a picture of this width and height is one that may be worked from at all."""
    return max(size) <= MAX_PICTURE_SIDE and size[0] * size[1] <= MAX_PIXELS


def _turn(image: Image.Image) -> int:
    """By the metadata that the decoder has found, which it has not looked into."""
    told = [[block] if isinstance(block, bytes) else [] for block in map(image.info.get, ("exif", "xmp"))]
    return exif.orientation_of(*told)


def _profile(image: Image.Image) -> bytes | None:
    """The ICC profile that the decoder has found, or what it was told in numbers."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        return profiles.bounded(profile, MOST_PROFILE)
    numbers = image.info.get("nclx_profile") or {}
    return profiles.coded(numbers.get("color_primaries", 1), numbers.get("transfer_characteristics", 13))


def _upright(image: Image.Image, turn: int, profile: bytes | None) -> Image.Image:
    depth = levels.depth_of(image)
    colours = to_srgb(profile, _colour_mode(image))
    plain = image.mode == "RGB" and not image.has_transparency_data
    if plain and turn == 1 and colours is None:
        return image
    width, height = image.size
    made = Image.new("RGB", (height, width) if turn >= 5 else (width, height))
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        band = _seen(image.crop((0, top, width, bottom)), depth, colours)
        along = height - bottom if turn in (3, 4, 6, 7) else top
        made.paste(band.transpose(_TURNS[turn]) if turn > 1 else band, (along, 0) if turn >= 5 else (0, along))
    return made


def _colour_mode(image: Image.Image) -> str:
    """Of the pictures whose colours a profile is about: grey, inks, or the RGB that anything else is made into."""
    if image.mode in ("1", "L", "LA", "La", *levels.DEEP):
        return "L"
    return "CMYK" if image.mode == "CMYK" else "LAB" if image.mode == "LAB" else "RGB"


def _seen(part: Image.Image, depth: levels.Depth | None, colours: Converted | None) -> Image.Image:
    """RGB of some rows of a picture, what is transparent in them on white."""
    opacity = None
    if depth is not None:
        part, opacity = levels.to_eight_bits(part, depth)
    elif part.has_transparency_data:
        part = part.convert("LA" if _colour_mode(part) == "L" else "RGBA")
        *bands, opacity = part.split()
        part = bands[0] if len(bands) == 1 else Image.merge("RGB", bands)
    seen = part.convert("RGB") if colours is None else colours(_simple(part))
    if opacity is None:
        return seen
    seen.putalpha(opacity)
    white = Image.new("RGBA", seen.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, seen).convert("RGB")


def _simple(part: Image.Image) -> Image.Image:
    """In the mode that a profile is about."""
    mode = _colour_mode(part)
    return part if part.mode == mode else part.convert(mode)
