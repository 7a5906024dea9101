"""The procedural world: which scenes exist and how often each kind is drawn.

A scene is a pure function of its seed, so a training set is named by a range of integers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

Size = tuple[int, int]  # width and height in pixels

SIZE = 128  # pixels on the short side of every picture
SQUARE: Size = (SIZE, SIZE)
WIDE: Size = (192, SIZE)
TALL: Size = (SIZE, 192)

SHAPES = (
    "circle", "square", "triangle", "star", "heart", "cross", "ring", "crescent",
    "house", "tree", "flower", "cat", "fish", "boat", "sun", "diamond",
)  # fmt: skip

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (226, 40, 40),
    "orange": (250, 132, 22),
    "yellow": (252, 216, 40),
    "green": (44, 160, 70),
    "light blue": (112, 200, 244),
    "blue": (34, 74, 212),
    "violet": (138, 56, 192),
    "pink": (250, 136, 188),
    "brown": (122, 72, 38),
    "black": (18, 18, 22),
    "white": (250, 250, 248),
    "grey": (138, 140, 146),
}

# Each scene lists the object colours that would drown in it.
SCENES: dict[str, tuple[str, ...]] = {
    "night": ("violet", "blue"),
    "sea": ("light blue", "blue"),
    "meadow": ("light blue", "green"),
    "sunset": ("orange", "pink", "violet"),
}

# Colours that are told apart only by a nuance are never put on one another.
CLOSE: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (("red", "brown"), ("orange", "yellow"), ("light blue", "grey"), ("black", "brown"), ("blue", "violet"))
)

BACKGROUNDS = (*COLOURS, *SCENES)
POSITIONS = ("centre", "left", "right", "top", "bottom")
RADII = {"small": 26.0, "medium": 35.0, "large": 46.0}  # half of what a thing measures, in pixels
SIZES = tuple(RADII)
TOGETHER = RADII["small"]  # of things that share a picture
PAIRINGS = ("beside", "above")
STYLES = ("flat", "watercolour", "lines")
PAINTERS = ("kandinsky", "malevich", "mondrian")
KINDS = ("single", "count", "pair", "abstract")

PRACTISED_PAIRS = 0.3  # which thing is which, and two small shapes at once, are by far the hardest
KIND_SHARES = (0.47, 0.17, 0.29, 0.07)
SCENE_SHARE = 0.28
STYLE_SHARES = (0.88, 0.06, 0.06)


@dataclass(frozen=True)
class Thing:
    """One object: what it is and its colour."""

    shape: str
    colour: str


@dataclass(frozen=True)
class Scene:
    """Everything a caption may name and a checker may measure, plus the seed of the small random details.

    `things` holds one thing for "single" and "count", two for "pair" (left then right, or upper then lower), none for
    "abstract". `count` is how many copies of the only thing there are.
    """

    kind: str
    seed: int
    things: tuple[Thing, ...] = ()
    count: int = 1
    position: str = "centre"
    pairing: str = "beside"
    size: str = "medium"
    background: str = "white"
    style: str = "flat"
    painter: str = ""


def goes_with(colour: str, background: str) -> bool:
    """Whether an object of this colour can be seen on this background."""
    if background in SCENES:
        return colour not in SCENES[background]
    return colour != background and frozenset((colour, background)) not in CLOSE


def _background(rng: random.Random) -> str:
    return rng.choice(tuple(SCENES)) if rng.random() < SCENE_SHARE else rng.choice(tuple(COLOURS))


def _thing(rng: random.Random, background: str) -> Thing:
    return Thing(rng.choice(SHAPES), rng.choice([c for c in COLOURS if goes_with(c, background)]))


def sample_scene(seed: int, kind: str | None = None) -> Scene:
    """The scene named by `seed`; `kind` (one of KINDS) overrides the usual mix."""
    rng = random.Random(seed)
    drawn = rng.choices(KINDS, KIND_SHARES)[0]
    kind = kind or drawn
    if kind == "abstract":
        return Scene("abstract", seed, painter=rng.choice(PAINTERS))
    background = _background(rng)
    style = rng.choices(STYLES, STYLE_SHARES)[0]
    first = _thing(rng, background)
    if kind == "count":
        return Scene("count", seed, (first,), count=rng.choice((2, 3)), background=background, style=style)
    if kind == "pair":
        # Half of the pairs share a colour or a shape at most by chance; the same thing twice is a count, not a pair.
        second = _thing(rng, background)
        while second == first:
            second = _thing(rng, background)
        pairing = rng.choices(PAIRINGS, (0.72, 0.28))[0]
        return Scene("pair", seed, (first, second), pairing=pairing, background=background, style=style)
    # What a sentence leaves open should come out in the middle and at a middling size: those are the common cases.
    position = rng.choices(POSITIONS, (0.6, 0.1, 0.1, 0.1, 0.1))[0]
    size = rng.choices(SIZES, (0.2, 0.6, 0.2))[0]
    return Scene("single", seed, (first,), position=position, size=size, background=background, style=style)


def practice_scene(seed: int) -> Scene:
    """The scene that training sees under `seed`: the usual one, or, a share of PRACTISED_PAIRS, a pair."""
    rng = random.Random(
        f"practised {seed}"
    )  # not the numbers that the scene is drawn with: its kind hangs on the first
    return sample_scene(seed, "pair" if rng.random() < PRACTISED_PAIRS else None)


def placements(scene: Scene, size: Size = SQUARE) -> list[tuple[float, float, float]]:
    """Centres and half sizes of a scene's objects in pixels: [(x, y, radius), ...] in the order of its things.

    `size` is the picture's width and height; the room that it has beyond a square goes between the things.
    """
    (width, height), short = size, min(size)
    x, y, along = width / 2, height / 2, short / 4
    if scene.kind == "pair" or (scene.kind == "count" and scene.count == 2):
        across, down = (0.0, height / 4) if scene.kind == "pair" and scene.pairing == "above" else (width / 4, 0.0)
        return [(x - across, y - down, TOGETHER), (x + across, y + down, TOGETHER)]
    if scene.kind == "count" and width > height:
        return [(width * share, y, TOGETHER) for share in (1 / 6, 1 / 2, 5 / 6)]
    if scene.kind == "count":
        return [(x, y - along, TOGETHER), (x - along, y + along, TOGETHER), (x + along, y + along, TOGETHER)]
    radius = RADII[scene.size]
    off = {"small": 34.0, "medium": 25.0, "large": 13.0}[scene.size]
    across, down = off + x - short / 2, off + y - short / 2
    dx, dy = {
        "centre": (0.0, 0.0), "left": (-across, 0.0), "right": (across, 0.0),
        "top": (0.0, -down), "bottom": (0.0, down),
    }[scene.position]  # fmt: skip
    return [(x + dx, y + dy, radius)]
