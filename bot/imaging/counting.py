"""What a file makes its decoder repeat, counted from its skeleton before anything is decoded.

A few kilobytes can ask for hours: scans of a JPEG are each decoded over the whole picture, chunks, frames, segments,
strips and tags are handled one by one. Real files stay far below these numbers. What is malformed is left for the
decoder to say.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

MOST_SCANS = 60  # libjpeg writes ten, thorough optimisers under twenty
MOST_SEGMENTS = 2_000  # of a JPEG: 16 kB each would make 32 MB of metadata
MOST_CHUNKS = 20_000  # of a PNG or WebP: those of 4 kB would make 80 MB
MOST_BLOCKS = 200_000  # of a GIF: 51 MB where they are full
MOST_FRAMES = 2
MOST_VALUES = 200_000  # of the tags of a TIFF: more than one strip a row in four planes of the tallest picture
MOST_TAGS = 500
MOST_BOXES = 1_000  # of an HEIC on its outermost level

_SOI, _SOS, _EOI = 0xD8, 0xDA, 0xD9
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # neither stuffed nor a restart
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TIFF_BYTES = (1, 2, 7)  # BYTE, ASCII, UNDEFINED: read as one string


class TooMuch(ValueError):
    """A file asks for more work than any picture needs; the text names what it has too much of."""


def count(content: bytes) -> None:
    """Raises TooMuch."""
    for magic, counter in _COUNTERS:
        if content.startswith(magic):
            counter(content)
    if content[4:8] == b"ftyp":
        _boxes(content)


def _jpeg(content: bytes) -> None:
    scans, segments, place = 0, 0, 2
    while (marker := _MARKER.search(content, place)) is not None:
        place, kind = marker.end(), marker[1][0]
        if kind == _EOI:
            return
        if kind == _SOI or kind == 0x01:
            continue
        segments += 1
        scans += kind == _SOS
        if scans > MOST_SCANS:
            raise TooMuch("scans")
        if segments > MOST_SEGMENTS:
            raise TooMuch("segments")
        place += int.from_bytes(content[place : place + 2], "big")


def _png(content: bytes) -> None:
    chunks, place = 0, 8
    while place + 8 <= len(content):
        chunks += 1
        if chunks > MOST_CHUNKS:
            raise TooMuch("chunks")
        if content[place + 4 : place + 8] == b"IEND":
            return
        place += 12 + int.from_bytes(content[place : place + 4], "big")


def _webp(content: bytes) -> None:
    chunks, frames, place = 0, 0, 12
    while place + 8 <= len(content) and content[8:12] == b"WEBP":
        chunks += 1
        frames += content[place : place + 4] == b"ANMF"
        if chunks > MOST_CHUNKS:
            raise TooMuch("chunks")
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        place += 8 + size + size % 2


def _gif(content: bytes) -> None:
    """The first frames alone: whether there is a second one is all that anybody wants to know."""
    blocks, frames, place = 0, 0, 13 + _palette(content[10:11])
    while place < len(content) and frames < MOST_FRAMES:
        kind = content[place]
        if kind == 0x2C:
            frames += 1
            place += 11 + _palette(content[place + 9 : place + 10])
        elif kind == 0x21:
            place += 2
        else:
            return
        while place < len(content) and (size := content[place]):
            place += 1 + size
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise TooMuch("blocks")
        place += 1


def _palette(flags: bytes) -> int:
    """Bytes of the palette that these flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _tiff(content: bytes) -> None:
    """The first page: others are not looked at."""
    order = "<" if content[:2] == b"II" else ">"
    big = len(content) > 4 and 43 in content[2:4]
    head, entries, entry = ("8xQ", "Q", "HHQ8x") if big else ("4xI", "H", "HHI4x")
    try:
        (place,) = struct.unpack_from(order + head, content)
        (tags,) = struct.unpack_from(order + entries, content, place)
        if tags > MOST_TAGS:
            raise TooMuch("tags")
        place += struct.calcsize(order + entries)
        numbers = size = 0
        for _ in range(tags):
            _tag, kind, values = struct.unpack_from(order + entry, content, place)
            place += struct.calcsize(order + entry)
            numbers += 0 if kind in _TIFF_BYTES else values
            size += values * _TIFF_SIZES.get(kind, 0)
            if numbers > MOST_VALUES or size > len(content):  # tags may all point at the same bytes
                raise TooMuch("values")
    except struct.error:
        return


def _boxes(content: bytes) -> None:
    boxes, place = 0, 0
    while place + 8 <= len(content):
        boxes += 1
        if boxes > MOST_BOXES:
            raise TooMuch("boxes")
        size = int.from_bytes(content[place : place + 4], "big")
        if size == 1:
            size = int.from_bytes(content[place + 8 : place + 16], "big")
        if size < 8:
            return
        place += size


_COUNTERS: tuple[tuple[bytes, Callable[[bytes], None]], ...] = (
    (b"\xff\xd8", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"GIF8", _gif),
    (b"II", _tiff),
    (b"MM", _tiff),
)
