"""Several pictures on one photo: a grid with numbers in the corners, because an album cannot have buttons.

Plain functions on bytes; call them in a thread, they take some tens of milliseconds per megapixel.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from bot.imaging.labels import put_label

MIN_TILE = 384
MAX_TILE = 1024
MAX_PHOTO_BYTES = 10_000_000
PHOTO_SIDE = 2560
MAX_RATIO = 18  # Telegram takes photos up to 20 times as long as wide
GAP = 6
THUMB = 256
_BACKGROUND = (24, 24, 28)


def photo(picture: bytes) -> bytes:
    """One picture as a JPEG for the chat; a smaller one is scaled up, a very long one laid on a strip."""
    shown = _tile_of(picture, MIN_TILE, PHOTO_SIDE)
    longest = max(shown.size)
    if longest > MAX_RATIO * min(shown.size):
        strip = math.ceil(longest / MAX_RATIO)
        laid = Image.new("RGB", (max(shown.width, strip), max(shown.height, strip)), _BACKGROUND)
        laid.paste(shown, ((laid.width - shown.width) // 2, (laid.height - shown.height) // 2))
        shown = laid
    return _jpeg(shown)


def grid(pictures: list[bytes], names: Sequence[str] = ()) -> bytes:
    """Up to ten pictures side by side as a JPEG, each with its number and its name if there are `names`; one picture
    stands alone without."""
    if len(pictures) == 1:
        return photo(pictures[0])
    columns = columns_for(len(pictures))
    rows = math.ceil(len(pictures) / columns)
    biggest = min(MAX_TILE, (4096 - GAP * columns) // columns, (4096 - GAP * rows) // rows)
    tiles = [_tile_of(picture, MIN_TILE, biggest) for picture in pictures]
    return _jpeg(_sheet(tiles, columns, numbers=range(1, len(tiles) + 1), names=names))


def contact_sheet(pictures: list[bytes | None], first_number: int = 1) -> bytes:
    """A page of thumbnails with numbers; None is a picture whose file is gone. JPEG."""
    tiles = [_thumbnail(picture) for picture in pictures]
    columns = min(3, len(tiles))
    return _jpeg(_sheet(tiles, columns, numbers=range(first_number, first_number + len(tiles))))


def preview(picture: bytes) -> bytes:
    """A small preview enlarged softly, as a JPEG."""
    return _jpeg(_tile_of(picture, 512, 1280, Image.Resampling.BICUBIC))


def blank() -> bytes:
    """An empty picture to stand where one was."""
    return _jpeg(Image.new("RGB", (MIN_TILE, MIN_TILE), (60, 60, 66)))


def columns_for(count: int) -> int:
    """2 and 4 in two columns, 3 in a row, up to 9 in three columns, 10 in five."""
    if count in (2, 4):
        return 2
    return min(count, 3) if count < 10 else 5


def _sheet(tiles: list[Image.Image], columns: int, numbers: range, names: Sequence[str] = ()) -> Image.Image:
    width = max(tile.width for tile in tiles)
    height = max(tile.height for tile in tiles)
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (columns * width + GAP * (columns - 1), rows * height + GAP * (rows - 1)), _BACKGROUND)
    for place, (tile, number) in enumerate(zip(tiles, numbers, strict=True)):
        row, column = divmod(place, columns)
        left = column * (width + GAP) + (width - tile.width) // 2
        top = row * (height + GAP) + (height - tile.height) // 2
        sheet.paste(tile, (left, top))
        size = max(22, min(width, height) // (10 if names else 14))
        corner = column * (width + GAP) + size // 3, row * (height + GAP) + size // 3
        _number(sheet, *corner, size, str(number))
        if names:
            beside = size + size // 4
            put_label(sheet, corner[0] + beside, corner[1], width - beside - 2 * (size // 3), size, names[place])
    return sheet


def _number(sheet: Image.Image, left: int, top: int, size: int, text: str) -> None:
    """A light number on a dark disc with this upper left corner, readable on any picture."""
    badge = Image.new("RGBA", (size * 8, size * 8))
    draw = ImageDraw.Draw(badge)
    draw.ellipse((0, 0, size * 8 - 1, size * 8 - 1), fill=(16, 16, 20, 170))
    font = ImageFont.load_default(size * 8 * (0.62 if len(text) < 2 else 0.5))
    draw.text((size * 4, size * 4), text, font=font, fill=(255, 255, 255, 255), anchor="mm")
    badge = badge.resize((size, size), Image.Resampling.LANCZOS)
    sheet.paste(badge, (left, top), badge)


def _tile_of(
    picture: bytes, at_least: int, at_most: int, resampling: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """The picture in RGB, its shorter side at least `at_least`, its longer one at most `at_most` (which wins)."""
    with Image.open(io.BytesIO(picture)) as image:
        opened = image.convert("RGB")
    scale = max(1.0, at_least / min(opened.size))
    scale = min(scale, at_most / max(opened.size))
    if scale == 1.0:
        return opened
    size = (max(1, round(opened.width * scale)), max(1, round(opened.height * scale)))
    return opened.resize(size, resampling)


def _thumbnail(picture: bytes | None) -> Image.Image:
    """A square cut from the middle."""
    square = Image.new("RGB", (THUMB, THUMB), (60, 60, 66))
    if picture is None:
        return square
    with Image.open(io.BytesIO(picture)) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        middle = image.convert("RGB").crop((left, top, left + side, top + side))
    square.paste(middle.resize((THUMB, THUMB), Image.Resampling.LANCZOS))
    return square


def _jpeg(image: Image.Image) -> bytes:
    """Quality 95 without chroma subsampling as long as Telegram's 10 MB allow it."""
    for quality in (95, 88, 80, 70):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, subsampling=0 if quality == 95 else 2)
        if buffer.tell() <= MAX_PHOTO_BYTES:
            break
    return buffer.getvalue()
