"""The chunks of a PNG that its pixels need (ISO/IEC 15948); what stands in the others costs nothing."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from inference.blobs import exif, profiles
from inference.blobs.bare.file import MOST_BLOCKS, MOST_METADATA, MOST_PROFILE, Bare
from inference.blobs.pieces import Piece, joined, length
from inference.blobs.png import PNG, TEXTS, chunks, text_in

_XMP_TEXT = b"XML:com.adobe.xmp\0"
_TELLING = (_XMP_TEXT, b"Raw profile type exif\0", b"Raw profile type APP1\0")  # how such texts begin
_GREY, _COLOUR, _PALETTE = 0, 2, 3  # types of colour
_NEEDED = (b"IHDR", b"IDAT", b"IEND")
_TOLD = (b"acTL", b"eXIf", *profiles.CHUNKS, *TEXTS)


def begins(head: bytes) -> bool:
    return head.startswith(PNG)


@dataclass
class _Beside:
    """What stood beside the pixels."""

    exif: list[bytes] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)
    colours: dict[bytes, bytes] = field(default_factory=dict)
    moving: bool = False

    def take(self, kind: bytes, content: bytes) -> None:
        if kind == b"acTL":
            self.moving = int.from_bytes(content[:4], "big") > 1
        elif kind == b"eXIf":
            self.exif.append(content)
        elif kind in profiles.CHUNKS:
            self.colours.setdefault(kind, content)
        elif content.startswith(_TELLING) and len(self.exif) + len(self.xmp) < MOST_BLOCKS:
            _keyword, said = text_in(kind, content, MOST_METADATA) or ("", "")
            if content.startswith(_XMP_TEXT):
                self.xmp.append(said.encode())
            else:
                self.exif.append(_unhexed(said))


def bared(file: BinaryIO) -> Bare:
    pieces: list[Piece] = [PNG]
    depth = colour = 0
    beside, end = _Beside(), length(file)
    for kind, start, size in chunks(file):
        whole = (start - 8, min(end, start + size + 4))
        if kind == b"IHDR":
            file.seek(start + 8)
            depth, colour = file.read(2).ljust(2, b"\0")
        if kind == b"tRNS":
            file.seek(start)
            pieces.append(_transparent(file.read(min(size, 256)), depth, colour))
        elif kind in _NEEDED or (kind == b"PLTE" and colour == _PALETTE):  # others suggest one, for old screens
            pieces.append(whole)
        elif kind in _TOLD and size <= MOST_METADATA:
            file.seek(start)
            beside.take(kind, file.read(size))
    turn = exif.orientation_of(beside.exif, beside.xmp)
    return Bare(joined(file, pieces), turn, profiles.of_png(beside.colours, MOST_PROFILE), beside.moving)


def _transparent(content: bytes, depth: int, colour: int) -> bytes:
    """The chunk tRNS with the transparent grey or colour in the range that Pillow decodes to, where it compares others;
    grey of sixteen bits it leaves to be compared. Nothing where the chunk makes no sense for that kind of picture."""
    numbers = {_GREY: 1, _COLOUR: 3}.get(colour)
    if (numbers is None and colour != _PALETTE) or (numbers is not None and len(content) != 2 * numbers):
        return b""
    if numbers is not None and depth != 8 and (depth, colour) != (16, _GREY):
        levels, most = struct.unpack(f">{numbers}H", content), (1 << depth) - 1
        scaled = (level >> 8 if depth == 16 else (level & most) * 255 // most for level in levels)
        content = struct.pack(f">{numbers}H", *scaled)
    told = b"tRNS" + content
    return struct.pack(">I", len(content)) + told + struct.pack(">I", zlib.crc32(told))


def _unhexed(text: str) -> bytes:
    """A block of EXIF as ImageMagick writes it into a text: a name, a length and hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.split()[2:]))
    except ValueError:
        return b""
