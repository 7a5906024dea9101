"""ICC profiles: those that files bring, bounded, and those made of what a file says of its colours in other ways.

PNG tells them as iCCP, or as a gamma and chromaticities, or by numbers of ITU-T H.273 (cICP), as HEIC and AVIF do.
Where several are told the most exact counts (PNG, third edition, 4.3). A made profile is a matrix and a curve
(ICC.1:2022, 8.3).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from inference.blobs.png import unpacked

CHUNKS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
Corners = tuple[tuple[float, float], ...]  # red, green, blue and white, in x and y
_D65 = (0.3127, 0.3290)
SRGB: Corners = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_PRIMARIES: Mapping[int, Corners] = {
    1: SRGB,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # Display P3
}
_GAMMA = 0.45455  # what a PNG says whose levels are those of sRGB
_EXPONENTS: Mapping[int, float] = {
    1: 1.0,
    4: 1.0,
    6: 1.0,
    8: _GAMMA,
    13: 1.0,
    14: 1.0,
    15: 1.0,
}  # transfers, none of HDR
_SAME_GAMMA, _SAME_CORNER = 0.02, 0.002
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_CURVE = 1024


def of_png(told: Mapping[bytes, bytes], most: int) -> bytes | None:
    """What these chunks say, by their kinds; None where that is sRGB, or makes no sense. A profile has at most `most`
    bytes."""
    try:
        if b"cICP" in told:
            return coded(*told[b"cICP"][:2])
        if b"iCCP" in told:
            _name, _end, packed = told[b"iCCP"].partition(b"\0")
            return bounded(unpacked(packed[1:], most), most)
        if b"sRGB" in told:
            return None
        gamma = struct.unpack(">I", told[b"gAMA"])[0] / 100_000 if b"gAMA" in told else _GAMMA
        corners = SRGB
        if b"cHRM" in told:
            numbers = [number / 100_000 for number in struct.unpack(">8I", told[b"cHRM"])]
            white, *rest = zip(numbers[::2], numbers[1::2], strict=True)
            corners = (*rest, white)
    except (struct.error, zlib.error, TypeError):
        return None
    return made(corners, _GAMMA / gamma) if 0.05 < gamma < 5 else None


def coded(primaries: int, transfer: int) -> bytes | None:
    """What two numbers of H.273 mean; None where that is sRGB, high dynamic range, or unknown here."""
    if primaries not in _PRIMARIES or transfer not in _EXPONENTS:
        return None
    return made(_PRIMARIES[primaries], _EXPONENTS[transfer])


def of_boxes(meta: bytes) -> bytes | None:
    """What the box "meta" of an AVIF says by numbers (ISO/IEC 14496-12, 12.1.5); None where it brings a profile."""
    place = meta.find(b"colrnclx")
    if place < 0 or b"colrprof" in meta or b"colrrICC" in meta:
        return None
    numbers = meta[place + 8 : place + 12]
    return coded(*struct.unpack(">HH", numbers)) if len(numbers) == 4 else None


def bounded(profile: bytes | None, most: int) -> bytes | None:
    """The profile, where it looks like one and is of a size that one has."""
    fits = profile is not None and 128 < len(profile) <= most and profile[36:40] == b"acsp"
    return profile if fits else None


def made(corners: Corners, exponent: float) -> bytes | None:
    """A profile for levels that are sRGB's raised to `exponent`, under these primaries; None where those are sRGB's
    too, or span nothing."""
    near = np.abs(np.array(corners) - np.array(SRGB)).max() < _SAME_CORNER
    if near and abs(exponent - 1) < _SAME_GAMMA:
        return None
    matrix = _to_d50(np.array(corners))
    if matrix is None:
        return None
    levels = np.linspace(0, 1, _CURVE) ** exponent
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = b"curv" + struct.pack(">II", 0, _CURVE) + (linear * 65535).round().astype(">u2").tobytes()
    points = [_xyz(column) for column in (*matrix.T, _D50)]
    return _packed(dict(zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), points, strict=True)), curve)


def _to_d50(corners: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """XYZ under D50 of linear red, green and blue [3, 3]; None where they span nothing."""
    if (corners[:, 1] < 1e-4).any() or (corners < 0).any():
        return None
    xyz = np.stack([corners[:, 0], corners[:, 1], 1 - corners.sum(axis=1)]) / corners[:, 1]  # [XYZ, corner]
    if abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        return None
    white = xyz[:, 3]
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD
    return np.asarray(adapted @ (xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)))


def _xyz(point: NDArray[np.float64]) -> bytes:
    fixed = (np.clip(point, -32768, 32767) * 65536).round().astype(">i4")
    return b"XYZ \0\0\0\0" + fixed.tobytes()


def _packed(tags: Mapping[bytes, bytes], curve: bytes) -> bytes:
    """A profile of version 2 with these tags, and one curve for all three colours."""
    contents = [*tags.items(), (b"rTRC", curve)]
    names = [*tags, b"rTRC", b"gTRC", b"bTRC"]
    place, index, body = 128 + 4 + 12 * len(names), {}, b""
    for name, content in contents:
        index[name] = (place + len(body), len(content))
        body += content
    index[b"gTRC"] = index[b"bTRC"] = index[b"rTRC"]
    table = struct.pack(">I", len(names)) + b"".join(struct.pack(">4sII", name, *index[name]) for name in names)
    size = 128 + len(table) + len(body)
    head = struct.pack(">II4s4s4s4s", size, 0, b"\2\x10\0\0", b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    light = (_D50 * 65536).round().astype(">i4").tobytes()
    return (head.ljust(68, b"\0") + light).ljust(128, b"\0") + table + body
