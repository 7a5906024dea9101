"""Bytes that a stranger has sent, made into a picture to work from: upright, RGB, bounded before anything is decoded.

Plain functions on bytes; call them in a thread, they take some tens of milliseconds per megapixel.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import Image, ImageOps

from bot.prompt import PromptError
from inference.blobs import encode_png
from inference.requests import MAX_PICTURE_SIDE, MAX_PIXELS

MIN_SIDE = 64
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")

Trouble = Literal["not_an_image", "animated", "too_small", "too_many_pixels", "broken", "no_heic", "too_big_a_file"]


class PictureRefused(PromptError):
    """A file that cannot be worked from. What a person reads is written in `bot.advice`."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble: Trouble = trouble
        self.detail = detail


@dataclass(frozen=True)
class Decoded:
    png: bytes
    width: int
    height: int


def decode(content: bytes) -> Decoded:
    """A file's picture as PNG: turned as its EXIF says, transparency on white, RGB. Raises PictureRefused.

    The header is read and bounded before a single pixel is decoded.
    """
    if _is_heic(content) and not heic_supported():
        raise PictureRefused("no_heic")
    formats = (*FORMATS, "HEIF") if heic_supported() else FORMATS
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
    except Image.DecompressionBombError as bomb:
        raise PictureRefused("too_many_pixels") from bomb
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as unreadable:
        raise PictureRefused("not_an_image") from unreadable
    with image:
        _bound(image)
        try:
            upright = _upright(image)
        except (Image.DecompressionBombError, MemoryError) as bomb:
            raise PictureRefused("too_many_pixels") from bomb
        except (OSError, ValueError, SyntaxError, RuntimeError, EOFError, IndexError, KeyError) as broken:
            raise PictureRefused("broken") from broken
    return Decoded(encode_png(upright), upright.width, upright.height)


@cache
def heic_supported() -> bool:
    """Whether the decoder of iPhone photos is installed; it is a part of its own."""
    try:
        from pi_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener(thumbnails=False)
    return True


def _bound(image: Image.Image) -> None:
    width, height = image.size
    if width * height > min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS) or max(width, height) > MAX_PICTURE_SIDE:
        raise PictureRefused("too_many_pixels", f"{width}×{height}")
    if min(width, height) < MIN_SIDE:
        raise PictureRefused("too_small", f"{width}×{height}")
    # A TIFF of several pages is a document, a JPEG of several frames a photo with its depth map: the first one counts.
    if getattr(image, "is_animated", False) and image.format in ("GIF", "PNG", "WEBP"):
        raise PictureRefused("animated")


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    turned = ImageOps.exif_transpose(image)
    if turned.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        turned = _eight_bits(turned)
    if turned.has_transparency_data:
        layers = turned.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layers).convert("RGB")
    return turned.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey with more than eight bits a pixel, scaled down rather than cut off."""
    lowest, highest = image.convert("F").getextrema()
    assert isinstance(lowest, float) and isinstance(highest, float)
    scale = 255 / (65535 if highest > 255 else 255 if highest > 1 else 1)
    return image.convert("F").point(lambda value: value * scale).convert("L")


def _is_heic(content: bytes) -> bool:
    """By the brand in its first box (ISO/IEC 23008-12, Annex B)."""
    return content[4:8] == b"ftyp" and content[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
