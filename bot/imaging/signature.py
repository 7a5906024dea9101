"""What a picture is compared with others by, quickly: a square of it so small that no recompression shows in it, and
large enough for the thinnest brush."""

from __future__ import annotations

import io

from PIL import Image

from bot.imaging.collage import MIN_TILE

SIDE = 96
BYTES = 3 * SIDE * SIDE
LOOKED_AT = 8 * SIDE  # the longer side of what it is made from, at least where the picture has that much


def signature(image: Image.Image) -> bytes:
    """`SIDE` rows of as many pixels in RGB, whatever the picture's shape. A small one is looked at as chats show it."""
    seen, enlarged = image.convert("RGB"), MIN_TILE / min(image.size)
    if enlarged > 1:
        seen = seen.resize([round(side * enlarged) for side in seen.size], Image.Resampling.LANCZOS)
    return seen.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def signature_of(picture: bytes) -> bytes:
    """That of a picture of our own making, a PNG."""
    with Image.open(io.BytesIO(picture)) as image:
        return signature(image)
