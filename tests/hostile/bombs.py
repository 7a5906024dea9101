"""Small files that ask for hours, gigabytes or both. Each is built here, so that nothing of the kind lies about."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

SIDE = 8000  # 64 megapixels


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def repeated_scans(side: int = SIDE, scans: int = 300) -> bytes:
    """A progressive JPEG whose last scan stands there over and over."""
    content = saved(Image.new("RGB", (side, side), (90, 120, 60)), "JPEG", progressive=True, quality=75)
    start, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:start] + content[start:end] * scans + content[end:]


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of_chunks(chunks: int = 800_000) -> bytes:
    content = saved(Image.new("RGB", (100, 100)), "PNG")
    return content[:33] + chunk(b"teSt") * chunks + content[33:]


def png_of_texts(texts: int = 60) -> bytes:
    """Every text is eight megabytes once it is unpacked."""
    content = saved(Image.new("RGB", (100, 100)), "PNG")
    text = chunk(b"zTXt", b"words\0\0" + zlib.compress(bytes(7_900_000), 9))
    return content[:33] + text * texts + content[33:]


def png_of_exif(tags: int = 60_000, size: int = 1_000_000) -> bytes:
    """EXIF whose tags all point at the same bytes."""
    entry = struct.pack("<HHII", 0x010E, 2, size, 8)
    exif = b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + struct.pack("<H", tags) + entry * tags + bytes(4)
    content = saved(Image.new("RGB", (100, 100)), "PNG")
    return content[:33] + chunk(b"eXIf", exif) + content[33:]


def segments(count: int = 1_000_000) -> bytes:
    content = saved(Image.new("RGB", (100, 100)), "JPEG")
    return content[:2] + b"\xff\xfe\x00\x02" * count + content[2:]


def webp(side: int = SIDE) -> bytes:
    return saved(Image.new("RGB", (side, side), (10, 200, 30)), "WEBP", lossless=True, method=0)


def gif_of_blocks(blocks: int = 5_000_000) -> bytes:
    content = saved(Image.new("P", (100, 100)), "GIF")
    return content[: content.index(b",")] + b"!\xfe" + b"\x01a" * blocks + b"\0" + content[content.index(b",") :]


def tiff_of_values(tags: int = 400, size: int = 200_000) -> bytes:
    """Tags of many numbers each, all of them the same ones."""
    content = saved(Image.new("RGB", (100, 100)), "TIFF")
    own = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, own)[0]
    entries = content[own + 2 : own + 2 + 12 * count]
    more = b"".join(struct.pack("<HHII", 40_000 + tag, 4, size, 8) for tag in range(tags))
    place = len(content) + 4 * size
    return (
        content[:4]
        + struct.pack("<I", place)
        + content[8:]
        + bytes(4 * size)
        + struct.pack("<H", count + tags)
        + entries
        + more
        + bytes(4)
    )


def tiff_of_a_tile(side: int = 30_000) -> bytes:
    """A small picture in one tile of a gigabyte."""
    tags = {256: 100, 257: 100, 258: 8, 259: 5, 262: 1, 277: 1, 322: side, 323: side, 324: 0, 325: 100}
    tags[324] = 8 + 2 + 12 * len(tags) + 4
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + bytes(4 + 100)


def heic_of_boxes(boxes: int = 1_000_000) -> bytes:
    return struct.pack(">I", 16) + b"ftypheic" + bytes(4) + (struct.pack(">I", 8) + b"free") * boxes


def png_of_lines(texts: int = 8) -> bytes:
    """Metadata of 8 MB of empty lines, beside more of the kind: small while it is packed."""
    content = saved(Image.new("RGB", (100, 100)), "PNG")
    lines = zlib.compress(b"\n" * 7_900_000, 9)
    names = ["Raw profile type exif", *(f"text {number}" for number in range(1, texts))]
    return content[:33] + b"".join(chunk(b"zTXt", name.encode() + b"\0\0" + lines) for name in names) + content[33:]


def bmp_of_nothing(side: int = 100, moves: int = 7_000_000) -> bytes:
    """Moves by no pixels at all, which Pillow makes one by one."""
    return bmp(side, b"\0\2\0\0" * moves)


def bmp_of_runs(side: int = SIDE, runs: int = 2_000_000) -> bytes:
    """Run lengths, which Pillow unpacks one by one."""
    return bmp(side, b"\x01\x07" * runs)


def bmp(side: int, body: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(body), 0, 0, 256, 0) + bytes(1024)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, 14 + len(head)) + head + body


BOMBS: dict[str, Callable[[], bytes]] = {
    "JPEG of 300 scans": repeated_scans,
    "JPEG of 1,000,000 segments": segments,
    "PNG of 800,000 chunks": png_of_chunks,
    "PNG of 60 texts of 8 MB": png_of_texts,
    "PNG whose EXIF has 60,000 tags": png_of_exif,
    "WebP of 64 megapixels": webp,
    "GIF of 5,000,000 blocks": gif_of_blocks,
    "TIFF of 80,000,000 numbers": tiff_of_values,
    "HEIC of 1,000,000 boxes": heic_of_boxes,
    "PNG of 64 MB of empty lines": png_of_lines,
    "BMP of 2,000,000 runs": bmp_of_runs,
    "TIFF of one tile of a gigabyte": tiff_of_a_tile,
    "BMP of 7,000,000 moves": bmp_of_nothing,
}
