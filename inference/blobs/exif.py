"""How a picture is to be turned, read out of its metadata, and nothing else of it (Exif 3.0, 4.6.2; XMP for TIFF).

Everything else that metadata may hold is never looked at, so nothing that is wrong with it can cost a picture.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

ORIENTATION = 0x0112
MOST_ENTRIES = 1_000
MOST_XMP = 1_000_000  # bytes that are searched
_HEADER = b"Exif\0\0"
_NUMBERS = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i"}  # types that some program writes it as; SHORT is the right one
_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])(?!\d)")


def orientation_of(exif: Iterable[bytes], xmp: Iterable[bytes] = ()) -> int:
    """1 to 8, by the first block of EXIF that tells it, else the first of XMP; 1, as it is, where none makes sense."""
    told = (*map(of_exif, exif), *map(of_xmp, xmp))
    return next((one for one in told if one is not None), 1)


def of_exif(block: bytes) -> int | None:
    """What a block says, with its header or without, or with several; None where it says nothing."""
    while block.startswith(_HEADER):
        block = block[len(_HEADER) :]
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    try:
        (place,) = struct.unpack_from(order + "4xI", block)
        (entries,) = struct.unpack_from(order + "H", block, place)
        for number in range(min(entries, MOST_ENTRIES)):
            entry = place + 2 + 12 * number
            tag, kind, count = struct.unpack_from(order + "HHI", block, entry)
            if tag == ORIENTATION:
                return turn(order, kind, count, block[entry + 8 : entry + 12])
    except struct.error:  # cut off
        return None
    return None


def of_xmp(packet: bytes) -> int | None:
    """What a packet of XMP says; None where it says nothing."""
    found = _XMP.search(packet, 0, MOST_XMP)
    return int(found[1]) if found is not None else None


def turn(order: str, kind: int, count: int, value: bytes) -> int | None:
    """The first number of an entry whose values stand in the entry itself, where it is a turn."""
    letter = _NUMBERS.get(kind)
    if letter is None or not 1 <= count * struct.calcsize(letter) <= len(value):
        return None
    (told,) = struct.unpack_from(order + letter, value)
    return int(told) if 1 <= told <= 8 else None
