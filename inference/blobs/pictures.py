"""Files that people sent, made into pictures to work from: upright, in eight bits, RGB, transparency on white.

One function of the bytes alone, so that what is kept may be the file as it came: the bot's decoding children and the
engine make the same pixels of it. Nothing here is decoded at reduced size: what that gives depends on the library.
"""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path

from PIL import Image, PngImagePlugin

from inference.requests.fields import MAX_PICTURE_SIDE, MAX_PIXELS

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
BAND_PIXELS = 4_000_000  # converted at once: beside the picture itself nothing large is ever held
ORIENTATION = 0x0112
DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
PngImagePlugin.MAX_TEXT_CHUNK = 8_000_000  # workflows and colour profiles of some programs take more than Pillow allows
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


def opened(source: bytes | Path) -> Image.Image:
    """The picture of a file, not decoded yet. Raises whatever Pillow raises about files that are none."""
    formats = (*FORMATS, "HEIF") if heic_supported() else FORMATS
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats)


def decode_picture(source: bytes | Path) -> Image.Image:
    """The picture in a file, RGB and upright. Raises UnreadablePicture; size is bounded before a pixel is decoded."""
    try:
        with warnings.catch_warnings(action="ignore"), opened(source) as image:  # they tell what the file says
            if not within_bounds(image.size):
                raise UnreadablePicture(f"a picture of {image.width}x{image.height} is too large")
            return upright(image)
    except UnreadablePicture:
        raise
    except Exception as broken:  # the libraries have no common error for bytes that they cannot make sense of
        raise UnreadablePicture(f"{type(broken).__name__}: {broken}") from broken


def within_bounds(size: tuple[int, int]) -> bool:
    """Whether a picture of this width and height is one that may be worked from at all."""
    return max(size) <= MAX_PICTURE_SIDE and size[0] * size[1] <= MAX_PIXELS


def orientation(image: Image.Image) -> int:
    """How a picture is to be turned, 1 to 8, by its EXIF or XMP; 1, as it is, where that makes no sense.

    A PNG may tell it behind its pixels, so this is known once they are loaded. They are not loaded here: an error in
    them would be taken for one in the metadata.
    """
    try:
        told = Image.Image.getexif(image).get(ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # metadata of strangers: a picture is no worse for it
        return 1
    return told if isinstance(told, int) and 1 <= told <= 8 else 1


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is meant to be seen, in RGB. Grey of more than eight bits is scaled rather than cut off.

    It holds one copy of the picture beside the one it is given; a plain one is returned as it is.
    """
    image.load()
    turn = orientation(image)
    if image.mode == "RGB" and turn == 1 and not image.has_transparency_data:
        return image
    scale = _to_eight_bits(image) if image.mode in DEEP else None
    width, height = image.size
    made = Image.new("RGB", (height, width) if turn >= 5 else (width, height))
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        band = _seen(image.crop((0, top, width, bottom)), scale)
        along = height - bottom if turn in (3, 4, 6, 7) else top
        made.paste(band.transpose(_TURNS[turn]) if turn > 1 else band, (along, 0) if turn >= 5 else (0, along))
    return made


def _seen(part: Image.Image, scale: float | None) -> Image.Image:
    """RGB of some rows of a picture, what is transparent in them on white."""
    if scale is not None:
        part = part.convert("F").point(lambda value: value * scale).convert("L")
    if not part.has_transparency_data:
        return part.convert("RGB")
    layers = part.convert("RGBA")
    white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layers).convert("RGB")


def _to_eight_bits(image: Image.Image) -> float:
    """What to multiply levels by, so that the picture's own range becomes that of eight bits."""
    _lowest, highest = image.convert("F").getextrema()
    assert isinstance(highest, float)
    return 255 / (65535 if highest > 255 else 255 if highest > 1 else 1)
