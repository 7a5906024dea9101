"""Draws a scene with Pillow at twice the size and halves it: flat objects, gentle backgrounds, no fonts, no files."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from inference.nano.figures import PARTS, Point, box, turned
from inference.nano.world import COLOURS, SIZE, SQUARE, Rgb, Scene, Size, placements

OVER = 2  # supersampling
COVERS = 12  # levels by which a thing differs from the ground
LINE = 0.12  # width of a line drawing's lines, of an object's radius


def _mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _tone(tone: str, colour: Rgb) -> Rgb:
    """The colour of a part of an object whose main colour is `colour`."""
    bright = sum(colour) / 3 > 128
    if tone == "main":
        return colour
    if tone == "dark":
        return _mix(colour, (0, 0, 0), 0.22) if sum(colour) > 120 else _mix(colour, (255, 255, 255), 0.14)
    if tone == "light":
        return _mix(colour, (255, 255, 255), 0.18) if sum(colour) < 690 else _mix(colour, (0, 0, 0), 0.08)
    if tone == "eye":
        return (20, 20, 24) if bright else (250, 240, 170)
    if tone == "window":
        return (255, 236, 150) if sum(colour) < 560 else (84, 120, 170)
    if tone == "core":
        return (252, 216, 40) if not (colour[0] > 200 and colour[1] > 180 and colour[2] < 120) else (190, 96, 24)
    return (
        COLOURS["brown"]
        if sum(abs(a - b) for a, b in zip(colour, COLOURS["brown"], strict=True)) > 90
        else (70, 40, 20)
    )


def draw_shape(
    image: Image.Image, shape: str, colour: Rgb, centre: Point, radius: float, angle: float = 0.0, flat: bool = False
) -> None:
    """Paints one object onto `image` (RGB or L). `flat` paints every part in the main colour: a silhouette."""
    pen = ImageDraw.Draw(image)
    for tone, points in PARTS[shape]:
        fill = colour if flat else _tone(tone, colour)
        pen.polygon(turned(points, *centre, radius, angle), fill=fill if image.mode == "RGB" else fill[0])


def outline_shape(
    image: Image.Image, shape: str, colour: Rgb, centre: Point, radius: float, angle: float = 0.0
) -> None:
    """Draws one object onto `image` by its lines alone; what lies in front hides the lines behind it."""
    lines = Image.new("L", image.size)
    pen, width = ImageDraw.Draw(lines), round(LINE * radius)
    for _, points in PARTS[shape]:
        corners = turned(points, *centre, radius * (1 - LINE / 2), angle)
        pen.polygon(corners, fill=0)
        pen.line([*corners, *corners[:2]], fill=255, width=width, joint="curve")
    image.paste(colour, (0, 0), lines)


def silhouette(shape: str, size: int = 64) -> np.ndarray:
    """The shape's filled outline, cut to its bounding box and stretched to a square: bool [size, size]."""
    image = Image.new("L", (256, 256), 0)
    draw_shape(image, shape, (255, 255, 255), (128, 128), 110, flat=True)
    box = image.getbbox()
    return np.asarray(image.crop(box).resize((size, size), Image.Resampling.BILINEAR)) > 127


def _gradient(top: Rgb, bottom: Rgb, size: Size) -> Image.Image:
    width, height = size
    ramp = np.linspace(0, 1, height)[:, None, None]
    rows = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    return Image.fromarray(np.broadcast_to(rows, (height, width, 3)).round().astype(np.uint8))


def _jitter(rng: random.Random, colour: Rgb, amount: int) -> Rgb:
    return tuple(min(255, max(0, c + rng.randint(-amount, amount))) for c in colour)  # type: ignore[return-value]


def _halves(upper: tuple[Rgb, Rgb], lower: tuple[Rgb, Rgb], horizon: float, size: Size) -> Image.Image:
    image = _gradient(*upper, size)
    cut = round(size[1] * horizon)
    image.paste(_gradient(*lower, size).resize((size[0], size[1] - cut)), (0, cut))
    return image


def draw_background(name: str, rng: random.Random, size: Size) -> Image.Image:
    """A plain colour with a soft fall of light, or one of the four scenes."""
    if name == "night":
        image = _gradient((34, 26, 92), (78, 56, 150), size)
        pen = ImageDraw.Draw(image)
        width, height = size
        for _ in range(round(16 * max(size) / min(size))):
            x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.choice((2.4, 3.0, 3.6)) * min(size) / 256
            pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 250, 214))
        return image
    if name == "sea":
        return _halves(((176, 222, 250), (222, 242, 252)), ((38, 116, 200), (18, 72, 160)), 0.5, size)
    if name == "meadow":
        return _halves(((156, 214, 250), (214, 240, 252)), ((120, 196, 84), (70, 158, 60)), 0.55, size)
    if name == "sunset":
        return _halves(((252, 120, 84), (254, 198, 110)), ((120, 60, 120), (76, 36, 92)), 0.68, size)
    base = _jitter(rng, COLOURS[name], 7)
    return _gradient(_mix(base, (255, 255, 255), 0.07), _mix(base, (0, 0, 0), 0.07), size)


def _watercolour(image: Image.Image, rng: random.Random) -> Image.Image:
    """Pale, blotched and soft at the edges, on paper."""
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, 1, (6, 6))
    blot = Image.fromarray(np.clip(128 + 34 * noise, 0, 255).astype(np.uint8)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    soft = image.filter(ImageFilter.GaussianBlur(1.8 * min(image.size) / (SIZE * OVER)))
    pale = Image.blend(soft, Image.new("RGB", image.size, (255, 252, 244)), 0.24)
    washed = ImageChops.soft_light(pale, Image.merge("RGB", (blot, blot, blot)))
    return Image.blend(pale, washed, 0.6)


def _kandinsky(rng: random.Random, size: Size) -> Image.Image:
    """Concentric circles in a grid of coloured squares, after the colour study of 1913."""
    image = Image.new("RGB", size)
    pen = ImageDraw.Draw(image)
    palette = [c for name, c in COLOURS.items() if name not in ("grey", "brown")]
    columns, rows = (round(3 * side / min(size)) for side in size)
    wide, high = size[0] / columns, size[1] / rows
    for i in range(columns):
        for j in range(rows):
            x, y = i * wide, j * high
            square, *rings = rng.sample(palette, 4)
            pen.rectangle((x, y, x + wide, y + high), fill=square)
            for k, ring in enumerate(rings):
                r = min(wide, high) * (0.44 - 0.14 * k)
                pen.ellipse((x + wide / 2 - r, y + high / 2 - r, x + wide / 2 + r, y + high / 2 + r), fill=ring)
    return image


def _malevich(rng: random.Random, size: Size) -> Image.Image:
    """A few tilted bars and squares, red, black and yellow, on a pale ground."""
    image, (width, height) = Image.new("RGB", size, (244, 240, 228)), size
    lean = rng.uniform(-0.5, 0.5)
    inks = [COLOURS[c] for c in ("black", "red", "yellow", "blue")]
    for k, (x, y) in enumerate(((0.34, 0.36), (0.68, 0.62), (0.30, 0.78), (0.76, 0.22))):
        w, h = ((0.22, 0.22), (0.30, 0.07), (0.16, 0.06), (0.10, 0.13))[k]
        centre = (width * (x + rng.uniform(-0.04, 0.04)), height * (y + rng.uniform(-0.04, 0.04)))
        ImageDraw.Draw(image).polygon(turned(box(-w, -h, w, h), *centre, min(size), lean), fill=inks[k])
    return image


def _mondrian(rng: random.Random, size: Size) -> Image.Image:
    """A grid of thick black lines with a few cells filled in red, blue and yellow."""
    image, (width, height) = Image.new("RGB", size, (246, 244, 236)), size
    pen, line = ImageDraw.Draw(image), min(size) // 26
    xs = [0.0, width * rng.uniform(0.2, 0.36), width * rng.uniform(0.6, 0.8), float(width)]
    ys = [0.0, height * rng.uniform(0.2, 0.36), height * rng.uniform(0.6, 0.8), float(height)]
    cells = rng.sample([(i, j) for i in range(3) for j in range(3)], 4)
    for (i, j), ink in zip(cells, ("red", "blue", "yellow", "red"), strict=True):
        pen.rectangle((xs[i], ys[j], xs[i + 1], ys[j + 1]), fill=COLOURS[ink])
    for x, y in zip(xs[1:3], ys[1:3], strict=True):
        pen.line((x, 0, x, height), fill=(18, 18, 22), width=line)
        pen.line((0, y, width, y), fill=(18, 18, 22), width=line)
    return image


_PAINTERS = {"kandinsky": _kandinsky, "malevich": _malevich, "mondrian": _mondrian}


def draw(
    scene: Scene,
    scale: int = 1,
    size: Size = SQUARE,
    *,
    empty: bool = False,
    corner: tuple[int, int] | None = None,
) -> Image.Image:
    """The picture of a scene: RGB, `size` (width and height) times `scale`; the same scene always gives the same bytes.

    `empty`: its ground alone, as it lies behind the things (of an abstract picture, all of it). `corner`: where a
    square picture begins in this one that holds all the things; beyond it the ground goes on.
    """
    rng = random.Random(scene.seed * 2 + 1)
    over = OVER * scale
    canvas = (size[0] * over, size[1] * over)
    if scene.kind == "abstract":
        image = _PAINTERS[scene.painter](rng, canvas)
    else:
        image = draw_background(scene.background, rng, canvas)
        things = scene.things if scene.kind == "pair" else scene.things * scene.count
        put = outline_shape if scene.style == "lines" else draw_shape
        left, top = corner or (0, 0)
        places = [(x + left, y + top, r) for x, y, r in placements(scene, SQUARE if corner else size)]
        for thing, (x, y, radius) in zip(() if empty else things, places, strict=not empty):
            centre = ((x + rng.uniform(-2.0, 2.0)) * over, (y + rng.uniform(-2.0, 2.0)) * over)
            reach = radius * over * rng.uniform(0.94, 1.04)
            angle = math.radians(rng.uniform(-6, 6))
            put(image, thing.shape, _jitter(rng, COLOURS[thing.colour], 8), centre, reach, angle)
        if scene.style == "watercolour" and not empty:
            image = _watercolour(image, rng)
    return image.resize((size[0] * scale, size[1] * scale), Image.Resampling.BOX)


def pixels(scene: Scene, size: Size = SQUARE) -> np.ndarray:
    """The picture as uint8 [3, height, width]."""
    return np.asarray(draw(scene, size=size)).transpose(2, 0, 1).copy()


def covered(scene: Scene) -> np.ndarray:
    """Where the things of a scene are, uint8 [SIZE, SIZE], 0 or 1: what differs from the ground alone."""
    dry = replace(scene, style="flat") if scene.style == "watercolour" else scene
    apart = np.abs(np.asarray(draw(dry), dtype=np.int16) - np.asarray(draw(dry, empty=True)))
    there: np.ndarray = (apart.max(axis=-1) > COVERS).astype(np.uint8)
    return there
