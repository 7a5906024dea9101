"""A TIFF of one page with the tags that its pixels need (TIFF 6.0; BigTIFF): no others, no other pages.

The table of tags is written anew where it stood, so that nothing else in the file moves.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from inference.blobs import exif
from inference.blobs.bare.file import Bare
from inference.blobs.pieces import joined, length

MOST_TAGS = 1_000
_NEEDED = frozenset(
    (
        *(254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284),  # what every picture has
        *(292, 293, 317, 320, 322, 323, 324, 325, 332, 338, 339),  # fax, predictor, palette, tiles, inks, samples
        *(347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532),  # JPEG, and its colours
        *(34675, 50674),  # profile, LERC
    )
)


class _Layout(NamedTuple):
    """How a table of tags is written: its place in the header, how many there are, an entry's tag, type and count, and
    the bytes of its value."""

    place: str
    entries: str
    entry: str
    value: int


_CLASSIC, _BIG = _Layout("4xI", "H", "HHI", 4), _Layout("8xQ", "Q", "HHQ", 8)


def begins(head: bytes) -> bool:
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def bared(file: BinaryIO) -> Bare:
    file.seek(0)
    head = file.read(16)
    order = "<" if head.startswith(b"II") else ">"
    layout = _BIG if b"+" in head[2:4] else _CLASSIC
    size = struct.calcsize(order + layout.entry) + layout.value
    try:
        (place,) = struct.unpack_from(order + layout.place, head)
        file.seek(place)
        (count,) = struct.unpack(order + layout.entries, file.read(struct.calcsize(order + layout.entries)))
        table = file.read(size * min(count, MOST_TAGS))
        entries = [table[start : start + size] for start in range(0, len(table) - size + 1, size)]
        tags = [struct.unpack_from(order + layout.entry, entry) for entry in entries]
    except struct.error:
        file.seek(0)
        return Bare(file, 1)
    kept = [entry for entry, (tag, *_) in zip(entries, tags, strict=True) if tag in _NEEDED]
    fresh = struct.pack(order + layout.entries, len(kept)) + b"".join(kept) + bytes(layout.value)  # no page follows
    told = [
        exif.turn(order, kind, values, entry[-layout.value :])
        for entry, (tag, kind, values) in zip(entries, tags, strict=True)
        if tag == exif.ORIENTATION
    ]
    turn = next((one for one in told if one is not None), 1)
    end = place + len(fresh)
    return Bare(joined(file, [(0, place), fresh, (end, max(end, length(file)))]), turn)
