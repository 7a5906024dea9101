"""What it takes to open a picture, estimated from its header: bytes of memory and seconds of one core.

The factors are those of Pillow 13, measured with 64 megapixels; an estimate that is too low ends in a refusal, for the
limits of the process are set by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from inference.blobs.levels import DEEP
from inference.blobs.pictures import within_bounds

STORED = 4  # bytes a pixel that Pillow keeps of RGB and RGBA alike
WHOLE = {
    "WEBP": 17,
    "HEIF": 16,
    "TIFF": 12,
    "AVIF": 20,
    "GIF": 10,
    "BMP": 8,
}  # bytes a pixel while one is being decoded
CHECKED_WEBP = 13
DRAFTS = (8, 4, 2, 1)  # by how much the decoder of JPEG can make a picture smaller for less work
SECONDS = 2.0
SECONDS_A_MEGAPIXEL = 0.12
BASE = 4_000_000


@dataclass(frozen=True)
class Weight:
    memory: int
    seconds: float

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.memory + other.memory, self.seconds + other.seconds)


def to_check(image: Image.Image) -> Weight:
    """To decode it once, as small as may be, and keep nothing."""
    if image.format == "WEBP":
        return _weight(image.size, CHECKED_WEBP)
    return to_reduce(image, 1)


def to_reduce(image: Image.Image, side: int) -> Weight:
    """To have it in RGB with a longer side of `side` or somewhat more."""
    if image.format == "JPEG":
        return _weight(image.size, 2 * STORED / draft_scale(image.size, side) ** 2 + _coefficients(image))
    deep = 10 if image.mode in DEEP else 0
    return _weight(image.size, max(WHOLE.get(image.format or "", 0), 2 * STORED + deep))


def webp_weight(head: bytes) -> Weight | None:
    """What it takes to check the WebP that begins with these 32 bytes (RFC 9649, 2.5 to 2.7); None where it is none."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            size = (int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
        case b"VP8L":
            packed = int.from_bytes(head[21:25], "little")
            size = ((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
        case _:
            size = (int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF)
    return _weight(size, CHECKED_WEBP) if within_bounds(size) else None


def draft_scale(size: tuple[int, int], side: int) -> int:
    """The most by which a JPEG may be reduced while it is decoded and still have that longer side."""
    return next(scale for scale in DRAFTS if max(size) // scale >= side or scale == 1) if side > 1 else DRAFTS[0]


def _coefficients(image: Image.Image) -> float:
    """Bytes a pixel that a JPEG of several scans, as any may be, is kept in until the last one has been read."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])  # id, horizontal and vertical share, table
    most = max((across * down for _id, across, down, _table in layers), default=1)
    return 2.2 * sum(across * down for _id, across, down, _table in layers) / most


def _weight(size: tuple[int, int], bytes_a_pixel: float) -> Weight:
    pixels = size[0] * size[1]
    return Weight(BASE + int(pixels * bytes_a_pixel), SECONDS + SECONDS_A_MEGAPIXEL * pixels / 1e6)
