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
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
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
        if kind == b"tRNS" and (scaled := _transparent(file, start, size, depth, colour)) is not None:
            pieces.append(scaled)
        elif kind in _NEEDED:
            pieces.append(whole)
        elif kind in _TOLD and size <= MOST_METADATA:
            file.seek(start)
            beside.take(kind, file.read(size))
    turn = exif.orientation_of(beside.exif, beside.xmp)
    return Bare(joined(file, pieces), turn, profiles.of_png(beside.colours, MOST_PROFILE), beside.moving)


def _transparent(file: BinaryIO, start: int, size: int, depth: int, colour: int) -> bytes | None:
    """The transparent grey or colour, in the range that Pillow decodes to, for depths at which it compares otherwise.

    None where the chunk may stay: a palette's, eight bits, grey of sixteen, which is compared before it is scaled.
    """
    if colour not in (0, 2) or depth == 8 or (depth == 16 and colour == 0) or size not in (2, 6):
        return None
    file.seek(start)
    levels = struct.unpack(f">{size // 2}H", file.read(size))
    scaled = [level >> 8 if depth == 16 else (level & (1 << depth) - 1) * 255 // ((1 << depth) - 1) for level in levels]
    content = b"tRNS" + struct.pack(f">{len(scaled)}H", *scaled)
    return struct.pack(">I", size) + content + struct.pack(">I", zlib.crc32(content))


def _unhexed(text: str) -> bytes:
    """A block of EXIF as ImageMagick writes it into a text: a name, a length and hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.split()[2:]))
    except ValueError:
        return b""
