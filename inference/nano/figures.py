"""The sixteen figures of the world, as polygons in [-1, 1] squared, y down."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Part = tuple[str, list[Point]]  # tone ("main", "dark", "light", or a colour's name) and a polygon in [-1, 1]^2, y down


def _arc(
    cx: float, cy: float, rx: float, ry: float, start: float = 0.0, stop: float = 360.0, n: int = 40
) -> list[Point]:
    angles = [math.radians(start + (stop - start) * i / n) for i in range(n + 1)]
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def _spikes(n: int, outer: float, inner: float) -> list[Point]:
    """A star polygon with `n` points, the first one straight up."""
    radii = [outer if i % 2 == 0 else inner for i in range(2 * n)]
    return [(r * math.sin(math.pi * i / n), -r * math.cos(math.pi * i / n)) for i, r in enumerate(radii)]


def _heart() -> list[Point]:
    points = []
    for i in range(60):
        t = 2 * math.pi * i / 60
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x / 16.5, -(y + 2.5) / 16.0))
    return points


def _crescent() -> list[Point]:
    return _arc(0.0, 0.0, 0.98, 0.98, 60, 300) + _arc(0.42, 0.0, 0.82, 0.78, 272, 88)


def _half_ring(start: float, stop: float) -> list[Point]:
    return _arc(0.0, 0.0, 0.97, 0.97, start, stop) + _arc(0.0, 0.0, 0.52, 0.52, stop, start)


def box(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """A rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _flower() -> list[Part]:
    turns = [2 * math.pi * i / 6 for i in range(6)]
    petals = [("main", _arc(0.66 * math.sin(a), -0.66 * math.cos(a), 0.34, 0.34)) for a in turns]
    return [*petals, ("core", _arc(0, 0, 0.34, 0.34))]


def _cat() -> list[Part]:
    """A sitting cat seen from the front: head with ears, a body, a tail to the right."""
    ears = [
        ("main", [(-0.52, -0.42), (-0.50, -1.0), (-0.10, -0.74)]),
        ("main", [(0.52, -0.42), (0.50, -1.0), (0.10, -0.74)]),
    ]
    tail = ("main", _arc(0.52, 0.42, 0.46, 0.50, 80, -75) + _arc(0.52, 0.42, 0.24, 0.28, -75, 80))
    body = ("main", _arc(0.0, 0.46, 0.54, 0.52))
    eyes = [("eye", _arc(-0.22, -0.40, 0.13, 0.12)), ("eye", _arc(0.22, -0.40, 0.13, 0.12))]
    return [tail, body, ("main", _arc(0, -0.36, 0.54, 0.46)), *ears, *eyes]


PARTS: dict[str, list[Part]] = {
    "circle": [("main", _arc(0, 0, 0.95, 0.95))],
    "square": [("main", box(-0.86, -0.86, 0.86, 0.86))],
    "triangle": [("main", [(0, -0.95), (1.0, 0.82), (-1.0, 0.82)])],
    "star": [("main", _spikes(5, 1.08, 0.45))],
    "heart": [("main", _heart())],
    "cross": [("main", box(-0.32, -0.95, 0.32, 0.95)), ("main", box(-0.95, -0.32, 0.95, 0.32))],
    "ring": [("main", _half_ring(-92, 92)), ("main", _half_ring(88, 272))],
    "crescent": [("main", _crescent())],
    "house": [  # eaves and a chimney, or a soft one could pass for a flower
        ("main", box(0.38, -0.98, 0.72, 0.0)),
        ("main", box(-0.62, -0.10, 0.62, 0.94)),
        ("dark", [(-1.0, -0.05), (0, -0.98), (1.0, -0.05)]),
        ("window", box(-0.24, 0.24, 0.24, 0.70)),
    ],
    "tree": [("trunk", box(-0.20, 0.2, 0.20, 1.0)), ("main", [(0, -1.02), (0.66, -0.14), (-0.66, -0.14)]),
             ("main", [(0, -0.66), (0.90, 0.54), (-0.90, 0.54)])],
    "flower": _flower(),
    "cat": _cat(),
    "fish": [
        ("main", _arc(-0.20, 0, 0.78, 0.54)),
        ("dark", [(0.36, 0), (1.0, -0.58), (1.0, 0.58)]),
        ("eye", _arc(-0.56, -0.12, 0.12, 0.12)),
    ],
    "boat": [
        ("main", [(-1.0, 0.32), (1.0, 0.32), (0.60, 0.94), (-0.60, 0.94)]),
        ("dark", box(-0.34, -1.0, -0.16, 0.34)),
        ("light", [(-0.16, -0.98), (-0.16, 0.12), (0.84, 0.12)]),
    ],
    "sun": [("main", _spikes(8, 1.08, 0.56)), ("light", _arc(0, 0, 0.44, 0.44))],
    "diamond": [("main", [(0, -1.05), (0.74, 0), (0, 1.05), (-0.74, 0)]),
                ("light", [(0, -1.05), (0.0, 1.05), (-0.74, 0)])],
}  # fmt: skip


def turned(points: Sequence[Point], x: float, y: float, radius: float, angle: float) -> list[Point]:
    """A polygon turned by `angle` (radians), `radius` times as large, around (x, y)."""
    c, s = math.cos(angle) * radius, math.sin(angle) * radius
    return [(x + px * c - py * s, y + px * s + py * c) for px, py in points]
