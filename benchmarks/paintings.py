"""Paintings over pictures, with the truth about what was meant: for the tests and the benchmark of mask recovery."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Mask = NDArray[np.bool_]
Point = tuple[float, float]
Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (235, 40, 45),
    "yellow": (255, 214, 10),
    "green": (52, 199, 89),
    "blue": (10, 110, 255),
    "white": (255, 255, 255),
    "black": (10, 10, 10),
}


@dataclass(frozen=True)
class Stroke:
    """One touch of the brush through `points`, shares of the shorter side; `brush` is its width, a share of it too.

    `alpha` below one is a marker that lets the picture shine through. `meant` is what the person wants to say: the
    stroke itself or what it encloses.
    """

    points: tuple[Point, ...]
    brush: float
    colour: Colour
    alpha: float = 1.0
    meant: str = "stroke"


def photograph(seed: int, size: tuple[int, int] = (1024, 1024)) -> Image.Image:
    """A stand-in for a photograph: noise whose amplitude falls with frequency as in natural images (Field, 1987), a
    few objects with sharp edges, and grain."""
    random = np.random.default_rng(seed)
    width, height = size
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    falloff = 1 / np.maximum(np.hypot(fy, fx), 1 / max(size)) ** random.uniform(1.0, 1.5)
    channels = []
    shared = random.standard_normal((height, width))
    for _ in range(3):
        spectrum = np.fft.rfft2(0.8 * shared + 0.6 * random.standard_normal((height, width))) * falloff
        channel = np.fft.irfft2(spectrum, s=(height, width))
        channels.append(channel / channel.std() * random.uniform(28, 55) + random.uniform(80, 170))
    picture = np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(4, 9))):
        x, y = random.uniform(0, width), random.uniform(0, height)
        w, h = random.uniform(0.08, 0.35, 2) * min(size)
        colour = tuple(int(level) for level in random.integers(0, 256, 3))
        shape = (draw.ellipse, draw.rectangle)[int(random.integers(2))]
        shape((x - w / 2, y - h / 2, x + w / 2, y + h / 2), fill=colour)
    grain = random.normal(0, random.uniform(0, 5), (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def paint(image: Image.Image, strokes: list[Stroke]) -> tuple[Image.Image, Mask]:
    """The picture painted over with round brushes, and which of its pixels are meant."""
    meant = np.zeros((image.height, image.width), bool)
    painted = image
    for stroke in strokes:
        cover = _cover(image.size, stroke)
        painted = Image.composite(
            Image.new("RGB", image.size, stroke.colour),
            painted,
            cover.point(lambda level, alpha=stroke.alpha: round(level * alpha)),
        )
        area = np.asarray(cover) >= 128
        if stroke.meant == "inside":
            outline = Image.new("L", image.size)
            ImageDraw.Draw(outline).polygon(_pixels(image.size, stroke.points), fill=255)
            area = area | (np.asarray(outline) > 0)
        meant |= area
    return painted, meant


def sent(image: Image.Image, *, scale: float = 1.0, quality: int = 85, subsampling: int = 2) -> Image.Image:
    """The picture after a messenger has had it in its hands: rescaled and saved as a JPEG."""
    size = (round(image.width * scale), round(image.height * scale))
    resized = image.resize(size, Image.Resampling.BICUBIC) if size != image.size else image
    buffer = io.BytesIO()
    resized.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def intersection_over_union(ours: Mask, truth: Mask) -> float:
    union = int((ours | truth).sum())
    return float((ours & truth).sum() / union) if union else 1.0


def blob(centre: Point, radius: float, brush: float, colour: Colour, alpha: float = 1.0) -> list[Stroke]:
    """An area filled by going to and fro: what a person does who paints something over."""
    rows = max(2, math.ceil(2 * radius / (0.7 * brush)))
    points: list[Point] = []
    for row in range(rows + 1):
        y = -radius + 2 * radius * row / rows
        half = math.sqrt(max(0.0, radius**2 - y**2))
        ends = [(-half, y), (half, y)]
        points += [(centre[0] + x, centre[1] + dy) for x, dy in (ends if row % 2 else ends[::-1])]
    return [Stroke(tuple(points), brush, colour, alpha)]


def ring(
    centre: Point,
    radius: float,
    brush: float,
    colour: Colour,
    *,
    gap: float = 0.0,
    wobble: float = 0.08,
    alpha: float = 1.0,
) -> list[Stroke]:
    """A circle by hand around something; `gap` is the share of the turn that stays open."""
    turns = np.linspace(0, 2 * math.pi * (1 - gap), 90)
    points = tuple(
        (centre[0] + radius * (1 + wobble * math.sin(3 * t)) * math.cos(t),
         centre[1] + radius * (1 + wobble * math.sin(3 * t)) * math.sin(t))
        for t in turns
    )  # fmt: skip
    return [Stroke(points, brush, colour, alpha, meant="inside")]


def arrow(tail: Point, head: Point, brush: float, colour: Colour) -> list[Stroke]:
    """A line with two barbs: open, so it means no more than itself."""
    angle = math.atan2(head[1] - tail[1], head[0] - tail[0])
    length = 0.35 * math.dist(tail, head)
    barbs = [(head[0] - length * math.cos(angle + turn), head[1] - length * math.sin(angle + turn))
             for turn in (-0.6, 0.6)]  # fmt: skip
    return [Stroke((tail, head), brush, colour), Stroke((barbs[0], head, barbs[1]), brush, colour)]


def scrawl(seed: int, brush: float, colour: Colour, alpha: float = 1.0) -> list[Stroke]:
    """A line that wanders and crosses itself nowhere."""
    random = np.random.default_rng(seed)
    x = np.linspace(0.15, 0.85, 40)
    y = 0.5 + 0.25 * np.sin(x * random.uniform(5, 9) + random.uniform(0, 6)) * random.uniform(0.5, 1)
    return [Stroke(tuple(zip(x.tolist(), y.tolist(), strict=True)), brush, colour, alpha)]


SHAPES: dict[str, Callable[[float, Colour, int], list[Stroke]]] = {
    "painted over": lambda brush, colour, seed: blob(_somewhere(seed), 0.16, brush, colour),
    "marker": lambda brush, colour, seed: blob(_somewhere(seed), 0.16, brush, colour, alpha=0.5),
    "circled": lambda brush, colour, seed: ring(_somewhere(seed), 0.2, brush, colour),
    "circled, not closed": lambda brush, colour, seed: ring(_somewhere(seed), 0.2, brush, colour, gap=0.03),
    "line": lambda brush, colour, seed: scrawl(seed, brush, colour),
    "arrow": lambda brush, colour, seed: arrow((0.2, 0.3), _somewhere(seed), brush, colour),
}  # fmt: skip


def _somewhere(seed: int) -> Point:
    random = np.random.default_rng(seed)
    return (float(random.uniform(0.3, 0.7)), float(random.uniform(0.3, 0.7)))


def _pixels(size: tuple[int, int], points: tuple[Point, ...], zoom: int = 1) -> list[Point]:
    side = min(size) * zoom
    return [(x * side, y * side) for x, y in points]


def _cover(size: tuple[int, int], stroke: Stroke) -> Image.Image:
    """How much of each pixel the brush covers, 0 to 255: drawn twice as large, then made small."""
    zoom = 2
    canvas = Image.new("L", (size[0] * zoom, size[1] * zoom))
    draw = ImageDraw.Draw(canvas)
    width = max(1.0, stroke.brush * min(size) * zoom)
    points = _pixels(size, stroke.points, zoom)
    draw.line(points, fill=255, width=round(width), joint="curve")
    for x, y in points:
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return canvas.resize(size, Image.Resampling.BOX)
