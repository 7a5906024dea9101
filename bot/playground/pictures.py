"""What Telegram does to a photo: check its sides, scale it into several sizes, recompress as JPEG."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.playground.errors import bad_request

BOXES = (90, 320, 800, 1280)  # longest sides of the sizes of a photo
MAX_PHOTO_BYTES = 10 * 2**20
MAX_WIDTH_PLUS_HEIGHT = 10000
MAX_SIDE_RATIO = 20
THUMBNAIL_BOX = 320
JPEG_QUALITY = 87


@dataclass(frozen=True)
class Rendition:
    """One size of a photo as JPEG bytes; width and height in pixels."""

    width: int
    height: int
    content: bytes = field(repr=False)


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels read from the header, None if this is no picture; decodes nothing."""
    header = _header(content)
    return header[1] if header else None


def picture_format(content: bytes) -> str | None:
    """PNG, WEBP, …, None if this is no picture."""
    header = _header(content)
    return header[0] if header else None


def _header(content: bytes) -> tuple[str | None, tuple[int, int]] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as picture:
                return picture.format, picture.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None


def photo_sizes(content: bytes) -> list[Rendition]:
    """The sizes of a photo, smallest first, the largest at most 1280 pixels on its longer side.

    Raises ApiError in Telegram's words for too many bytes, impossible sides or bytes that are no picture.
    """
    if len(content) > MAX_PHOTO_BYTES:
        raise bad_request("file is too big for a photo: 10 MB at most")
    sides = dimensions(content)
    if sides is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(sides) > MAX_WIDTH_PLUS_HEIGHT or max(sides) > MAX_SIDE_RATIO * min(sides):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    picture = _decoded(content)
    longest = max(picture.size)
    boxes = [box for box in BOXES if box < longest] + [min(longest, BOXES[-1])]
    return [_scaled(picture, box) for box in sorted(set(boxes))]


def thumbnail(content: bytes) -> Rendition | None:
    """The small preview of a picture sent as a document; None for other files and for very large pictures."""
    sides = dimensions(content)
    if sides is None or sum(sides) > MAX_WIDTH_PLUS_HEIGHT:
        return None
    picture = _decoded(content)
    return _scaled(picture, min(THUMBNAIL_BOX, max(picture.size)))


def _decoded(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content)) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                rgba = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError) as broken:
        raise bad_request("IMAGE_PROCESS_FAILED") from broken


def _scaled(picture: Image.Image, box: int) -> Rendition:
    scale = box / max(picture.size)
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    smaller = picture if size == picture.size else picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    smaller.save(out, "JPEG", quality=JPEG_QUALITY)
    return Rendition(smaller.width, smaller.height, out.getvalue())
