"""An HEIC or AVIF whose metadata no decoder finds.

The items of metadata are called by a name that none knows. How the picture is turned is in a box of its own, which
decoders obey or tell (ISO/IEC 23008-12, 6.5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from inference.blobs import profiles
from inference.blobs.bare.file import Bare
from inference.blobs.pieces import Piece, joined, length

MOST_META = 16_000_000  # bytes of the box that tells what is where
_AVIF = (b"avif", b"avis")


def begins(head: bytes) -> bool:
    return head[4:8] == b"ftyp"


def bared(file: BinaryIO) -> Bare:
    file.seek(8)
    avif = file.read(4) in _AVIF
    start, meta = _meta(file)
    names = [place for kind in (b"Exif", b"mime") for place in _items(meta, kind)]
    pieces: list[Piece] = []
    done = 0
    for place in sorted(names):
        pieces += [(done, start + place), b"skip"]
        done = start + place + 4
    pieces.append((done, length(file)))
    return Bare(joined(file, pieces), None if avif else 1, profiles.of_boxes(meta) if avif else None)


def _meta(file: BinaryIO) -> tuple[int, bytes]:
    """Where the content of the box "meta" begins, and that content; empty where there is none, or too much of it."""
    place, end = 0, length(file)
    while place + 8 <= end:
        file.seek(place)
        head = file.read(16)
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        if head[4:8] == b"meta" and size <= MOST_META:
            file.seek(place + header)
            return place + header, file.read(max(0, size - header))
        if size < header:
            break
        place += size
    return 0, b""


def _items(meta: bytes, kind: bytes) -> Iterator[int]:
    """Where the type of each item of this type stands (ISO/IEC 14496-12, 8.11.6)."""
    place = 0
    while (place := meta.find(b"infe", place)) >= 0:
        version, name = meta[place + 4 : place + 5], place + (12 if meta[place + 4 : place + 5] == b"\2" else 14)
        if version in (b"\2", b"\3") and meta[name : name + 4] == kind:
            yield name
        place += 4
