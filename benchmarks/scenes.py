"""Pictures that nobody has painted over: scenes that a camera sees again, pages of text, plain drawings.

They are made in other ways than `paintings.photograph`, by which the comparison has been tuned.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Size = tuple[int, int]
Colour = tuple[int, int, int]

MARGIN = 1.2  # of what is drawn to what the camera sees
CLOTHES: tuple[Colour, ...] = (
    (200, 30, 40),
    (25, 70, 180),
    (240, 200, 40),
    (20, 120, 60),
    (30, 30, 35),
    (235, 235, 235),
)
INKS: tuple[Colour, ...] = (
    (225, 40, 45),
    (30, 80, 200),
    (250, 205, 30),
    (40, 150, 70),
    (20, 20, 20),
    (250, 250, 250),
    (240, 130, 30),
)
WORDS = "the a of light small river morning window answer letter always under seven story because garden every market"


def scene(seed: int, size: Size = (960, 720), *, shot: int = 0, shake: float = 0.0) -> Image.Image:
    """A street or a landscape; another `shot` finds people and cars elsewhere, and the camera moved by about so many
    pixels (nothing else has changed: a tripod)."""
    place, moment = np.random.default_rng(seed), np.random.default_rng([seed, shot])
    width, height = (round(side * MARGIN) for side in size)
    image = _sky(place, width, height)
    horizon = height * place.uniform(0.4, 0.6)
    (_street if place.random() < 0.5 else _hills)(place, image, horizon)
    for _ in range(int(place.integers(2, 6))):
        _passer(place, moment, image, horizon)
    dx, dy, turn = (float(moment.normal(0, spread)) for spread in (shake, shake, shake / 8))
    zoom = 1 + moment.normal(0, shake / 800)
    left, top = (width - size[0] / zoom) / 2, (height - size[1] / zoom) / 2
    box = (max(0.0, left + dx), max(0.0, top + dy), min(width, width - left + dx), min(height, height - top + dy))
    seen = image.rotate(turn, Image.Resampling.BICUBIC).resize(size, Image.Resampling.BICUBIC, box)
    light = 1 + moment.normal(0, 0.004 * shake) if shake else 1.0
    grain = moment.normal(0, place.uniform(1, 5), (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(seen, np.float32) * light + grain, 0, 255).astype(np.uint8))


def page(seed: int, size: Size = (720, 960), *, scrolled: float = 0.0) -> Image.Image:
    """A page of text or a chat, as on a screen."""
    chance = np.random.default_rng(seed)
    dark, chat = chance.random() < 0.25, chance.random() < 0.4
    paper, ink = ((24, 26, 32), (225, 225, 228)) if dark else ((255, 255, 255), (25, 25, 28))
    image = Image.new("RGB", size, paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(int(chance.integers(15, 26)))
    step, y = font.size * 1.5, 90.0 - scrolled
    while y < size[1]:
        words = " ".join(chance.choice(WORDS.split(), int(chance.integers(3, 11))))
        if chat:
            mine, across = chance.random() < 0.5, min(size[0] * 0.7, font.getlength(words) + 30)
            x = size[0] - across - 20 if mine else 20
            draw.rounded_rectangle((x, y, x + across, y + step * 1.3), 14, (70, 140, 230) if mine else (228, 230, 235))
            draw.text((x + 15, y + 5), words, (255, 255, 255) if mine else (25, 25, 28), font)
            y += step * 1.7
        else:
            heading = chance.random() < 0.1
            draw.text((40, y), words, (190, 30, 40) if heading else ink, font)
            y += step * (2 if heading else 1)
    draw.rectangle((0, 0, size[0], 70), fill=INKS[int(chance.integers(2))] if chat else paper)
    draw.text((30, 20), "9:41", (255, 255, 255) if chat else ink, font)
    return image


def drawing(seed: int, size: Size = (512, 512), *, ground: Colour | None = None) -> Image.Image:
    """A thing or two of one colour each on a plain ground, as the embedded model draws them."""
    chance = np.random.default_rng(seed)
    inks = [INKS[int(number)] for number in chance.permutation(len(INKS))]
    ground = ground or inks.pop()
    image = Image.new("RGB", (2 * size[0], 2 * size[1]), ground)
    draw = ImageDraw.Draw(image)
    for colour in [ink for ink in inks if ink != ground][: int(chance.integers(1, 3))]:
        radius = chance.uniform(0.15, 0.33) * image.height
        x, y = (chance.uniform(0.35, 0.65) * side for side in image.size)
        corners, inner = int(chance.choice((4, 5, 6, 90))), chance.choice((0.45, 1.0))
        turn = chance.uniform(0, 2 * math.pi)
        points = [
            (x + r * math.cos(turn + a), y + r * math.sin(turn + a))
            for number in range(2 * corners)
            for r, a in [(radius * (inner if number % 2 else 1), math.pi * number / corners)]
        ]
        draw.polygon(points, fill=colour)
    return image.resize(size, Image.Resampling.BOX)


def _noise(chance: Generator, width: int, height: int, coarse: int, octaves: int = 5) -> NDArray[np.float32]:
    """Value noise from coarse to fine, about -1 to 1.  [H, W]"""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = coarse * 2**octave
        grid = chance.normal(0, 1, (max(2, cells * height // width), cells)).astype(np.float32)
        total += np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)) * 0.55**octave
    return total / 1.5


def _textured(
    chance: Generator, image: Image.Image, where: Image.Image, colour: Colour, grain: int, depth: float, lit: float = 0
) -> None:
    """Paints what is white in `where`: grains of about so many pixels, and brighter from left to right by `lit`."""
    box = where.getbbox()
    if box is None:
        return
    width, height = box[2] - box[0], box[3] - box[1]
    light = depth * _noise(chance, width, height, max(2, width // grain)) + lit * np.linspace(-1, 1, width)
    surface = np.clip(np.asarray(colour, np.float32) * (1 + light[..., None]), 0, 255).astype(np.uint8)
    image.paste(Image.fromarray(surface), box[:2], where.crop(box))


def _sky(chance: Generator, width: int, height: int) -> Image.Image:
    high, low = np.array(chance.uniform((60, 110, 170), (120, 170, 235))), np.array(chance.uniform(170, 245, 3))
    down = np.linspace(0, 1, height)[:, None, None]
    clouds = np.clip(_noise(chance, width, height, 3)[..., None], 0, 1) * chance.uniform(0, 90)
    return Image.fromarray(np.clip(high * (1 - down) + low * down + clouds, 0, 255).astype(np.uint8))


def _colour(chance: Generator, low: Colour, high: Colour) -> Colour:
    red, green, blue = chance.uniform(low, high)
    return int(red), int(green), int(blue)


def _hills(chance: Generator, image: Image.Image, horizon: float) -> None:
    width, height = image.size
    for depth in range(3):
        line = horizon + depth * (height - horizon) / 4 + 60 * np.cumsum(chance.normal(0, 0.12, 60))
        where = Image.new("L", image.size)
        across = np.linspace(0, width, 60)
        ImageDraw.Draw(where).polygon([*zip(across, line, strict=True), (width, height), (0, height)], fill=255)
        _textured(chance, image, where, _colour(chance, (50, 80, 30), (130, 140, 90)), 45, 0.35)
    for _ in range(int(chance.integers(3, 9))):
        x, y, radius = chance.uniform(0, width), chance.uniform(horizon, height), chance.uniform(20, 70)
        where = Image.new("L", image.size)
        crown = ImageDraw.Draw(where)
        for _leaf in range(25):
            dx, dy = chance.normal(0, radius / 2), chance.normal(-radius, radius / 2)
            r = radius * chance.uniform(0.2, 0.5)
            crown.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=255)
        crown.rectangle((x - radius / 9, y - radius, x + radius / 9, y + radius), fill=255)
        _textured(chance, image, where, _colour(chance, (20, 55, 15), (80, 110, 45)), 18, 0.5)


def _street(chance: Generator, image: Image.Image, horizon: float) -> None:
    width, height = image.size
    x = 0.0
    while x < width:
        across, top = chance.uniform(90, 240), horizon - chance.uniform(60, 300)
        where = Image.new("L", image.size)
        ImageDraw.Draw(where).rectangle((x, top, x + across, horizon + 40), fill=255)
        _textured(chance, image, where, _colour(chance, (110, 80, 60), (225, 200, 180)), 28, 0.12)
        draw, step = ImageDraw.Draw(image), chance.uniform(24, 44)
        for row in np.arange(top + 15, horizon, step):
            for column in np.arange(x + 12, x + across - 14, step):
                draw.rectangle(
                    (column, row, column + step * 0.4, row + step * 0.55),
                    fill=_colour(chance, (20, 25, 35), (90, 100, 120)),
                )
        x += across
    where = Image.new("L", image.size)
    ImageDraw.Draw(where).rectangle((0, horizon + 40, width, height), fill=255)
    _textured(chance, image, where, _colour(chance, (70, 70, 72), (140, 138, 135)), 14, 0.2)


def _passer(place: Generator, moment: Generator, image: Image.Image, horizon: float) -> None:
    """Somebody in a coat, or a car, lit from one side."""
    width, height = image.size
    x = place.uniform(0.1, 0.9) * width + moment.normal(0, 45)
    y = horizon + place.uniform(0.25, 0.8) * (height - horizon)
    size, colour = place.uniform(60, 170), CLOTHES[int(place.integers(len(CLOTHES)))]
    where = Image.new("L", image.size)
    body = ImageDraw.Draw(where)
    if place.random() < 0.4:
        body.rounded_rectangle((x - size, y - size * 0.35, x + size, y + size * 0.1), size * 0.1, fill=255)
        roof = ((-0.6, 0.35), (-0.4, 0.7), (0.4, 0.7), (0.65, 0.35))
        body.polygon([(x + size * across, y - size * up) for across, up in roof], fill=255)
    else:
        body.rounded_rectangle((x - size * 0.2, y - size, x + size * 0.2, y), size * 0.12, fill=255)
        body.ellipse((x - size * 0.12, y - size * 1.28, x + size * 0.12, y - size), fill=255)
    _textured(place, image, where, colour, 36, 0.13, lit=0.12)
    for wheel in (-0.6, 0.6):
        ImageDraw.Draw(image).ellipse(
            (x + (wheel - 0.14) * size, y, x + (wheel + 0.14) * size, y + 0.28 * size), fill=(22, 22, 24)
        )
