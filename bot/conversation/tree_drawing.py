"""A family tree on one picture: thumbnails with numbers, and arrows; it says nothing, so that it reads in any language.

Plain functions on bytes; call them in a thread.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from bot.conversation.family import Node
from bot.imaging.collage import blank

THUMB, ACROSS, DOWN, MARGIN = 168, 40, 76, 32
WIDEST = 8
GROUND, LINE, WORDS, HERE = (24, 24, 28), (120, 124, 140), (226, 228, 236), (255, 196, 61)

Placed = dict[Node, tuple[int, int]]


def tree(
    generations: Sequence[Sequence[Node]],
    edges: Sequence[tuple[Node, Node]],
    contents: Mapping[Node, bytes | None],
    here: Node,
) -> bytes:
    """JPEG. `edges` are (parent, child); nodes are numbered row by row, `here` is framed."""
    rows = [list(row[start : start + WIDEST]) for row in generations for start in range(0, len(row), WIDEST)]
    width = max(len(row) for row in rows) * (THUMB + ACROSS) - ACROSS + 2 * MARGIN
    height = len(rows) * (THUMB + DOWN) - DOWN + 2 * MARGIN
    sheet = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(sheet)
    places = _placed(rows, width)
    for parent, child in edges:
        _arrow(draw, places[parent], places[child])
    for number, (node, (left, top)) in enumerate(places.items(), start=1):
        _thumbnail(sheet, contents.get(node), left, top, framed=node == here)
        _tag(draw, left + 16, top + 16, str(number))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _placed(rows: Sequence[Sequence[Node]], width: int) -> Placed:
    places: Placed = {}
    for index, row in enumerate(rows):
        left = (width - len(row) * (THUMB + ACROSS) + ACROSS) // 2
        for column, node in enumerate(row):
            places[node] = (left + column * (THUMB + ACROSS), MARGIN + index * (THUMB + DOWN))
    return places


def _ends(parent: tuple[int, int], child: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    half = THUMB // 2
    return (parent[0] + half, parent[1] + THUMB), (child[0] + half, child[1])


def _arrow(draw: ImageDraw.ImageDraw, parent: tuple[int, int], child: tuple[int, int]) -> None:
    start, end = _ends(parent, child)
    draw.line((start, end), fill=LINE, width=4)
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    wings = [(end[0] - 16 * math.cos(angle + turn), end[1] - 16 * math.sin(angle + turn)) for turn in (0.45, -0.45)]
    draw.polygon([end, *wings], fill=LINE)


def _thumbnail(sheet: Image.Image, content: bytes | None, left: int, top: int, *, framed: bool) -> None:
    with Image.open(io.BytesIO(content or blank())) as image:
        side = min(image.size)
        box = ((image.width - side) // 2, (image.height - side) // 2)
        square = image.convert("RGB").resize((THUMB, THUMB), box=(*box, box[0] + side, box[1] + side))
    if framed:
        ImageDraw.Draw(sheet).rectangle((left - 6, top - 6, left + THUMB + 5, top + THUMB + 5), fill=HERE)
    sheet.paste(square, (left, top))


def _tag(draw: ImageDraw.ImageDraw, x: int, y: int, text: str) -> None:
    """A number on a dark pill around a point."""
    font = ImageFont.load_default(17)
    left, top, right, bottom = draw.textbbox((x, y), text, font=font, anchor="mm")
    draw.rounded_rectangle((left - 8, top - 6, right + 8, bottom + 6), radius=9, fill=(16, 16, 20))
    draw.text((x, y), text, font=font, fill=WORDS, anchor="mm")
