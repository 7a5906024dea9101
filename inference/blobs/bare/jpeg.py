"""The segments of a JPEG that its pixels need (ITU-T T.81, annex B), without those of applications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from inference.blobs import exif, profiles
from inference.blobs.bare.file import MOST_METADATA, MOST_PROFILE, Bare
from inference.blobs.pieces import Piece, joined, length

_ICC = b"ICC_PROFILE\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ADOBE, _JFIF = (0xEE, b"Adobe"), (0xE0, b"JFIF\0")  # they say how the components are to be read
_SOS = 0xDA


def begins(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8")


def bared(file: BinaryIO) -> Bare:
    """Its pixels begin with the first scan; what comes behind that is handed on as it is."""
    pieces: list[Piece] = [b"\xff\xd8"]
    blocks: list[bytes] = []
    xmp: list[bytes] = []
    icc: list[bytes] = []
    taken = 0
    for kind, start, size in _segments(file):
        if kind is None:
            pieces.append((start, length(file)))
        elif not 0xE0 <= kind <= 0xEF and kind != 0xFE:
            pieces.append((start - 4, start + size))
        else:
            file.seek(start)
            content = file.read(size)
            if any(kind == wanted and content.startswith(name) for wanted, name in (_ADOBE, _JFIF)):
                pieces.append((start - 4, start + size))
            elif kind == 0xE1 and (taken := taken + size) <= MOST_METADATA:
                (xmp if content.startswith(_XMP) else blocks).append(content)
            elif kind == 0xE2 and content.startswith(_ICC):
                icc.append(content[len(_ICC) :])
    return Bare(joined(file, pieces), exif.orientation_of(blocks, xmp), _profile(icc))


def _segments(file: BinaryIO) -> Iterator[tuple[int | None, int, int]]:
    """(marker, where its content begins, its length) up to the first scan; None for all that comes from there on, or
    from where the file makes no sense."""
    place = 2
    while True:
        file.seek(place)
        head = file.read(4)
        if len(head) == 4 and head[:2] == b"\xff\xff":  # filled up
            place += 1
            continue
        size = int.from_bytes(head[2:], "big")
        if len(head) < 4 or head[0] != 0xFF or head[1] in (_SOS, 0, 1) or 0xD0 <= head[1] <= 0xD9 or size < 2:
            yield None, place, 0
            return
        yield head[1], place + 4, size - 2
        place += 2 + size


def _profile(parts: list[bytes]) -> bytes | None:
    """An ICC profile whose parts, numbered from one and counted, may stand in any order (ICC.1, B.4)."""
    numbered = {part[0]: part[2:] for part in parts if len(part) > 2}
    if not numbered or sorted(numbered) != list(range(1, len(parts) + 1)):
        return None
    return profiles.bounded(b"".join(numbered[number] for number in sorted(numbered)), MOST_PROFILE)
