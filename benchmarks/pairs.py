"""Two pictures of which none is the other painted over: what a comparison must not take for paint."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from benchmarks.paintings import photograph
from benchmarks.scenes import INKS, drawing, page, scene

Pair = tuple[Image.Image, Image.Image]
SIZES = ((960, 720), (720, 960), (800, 800))


@dataclass(frozen=True)
class Verdict:
    """Which of so many pairs of a kind are taken for paint."""

    kind: str
    pairs: int
    wrong: tuple[int, ...]


def judged(taken: Callable[[Image.Image, Image.Image], bool], most: int | None = None) -> Iterator[Verdict]:
    """What `taken` for paint says of the first `most` pairs of each kind, of all of them if that is not said."""
    for kind, (make, count) in PAIRS.items():
        seeds = range(min(count, count if most is None else most))
        yield Verdict(kind, len(seeds), tuple(seed for seed in seeds if taken(*make(seed))))


def unrelated(seed: int) -> Pair:
    size = SIZES[seed % len(SIZES)]
    if seed % 4 == 3:
        return photograph(seed, size), photograph(seed + 1000, size)
    return scene(seed, size), scene(seed + 1000, size)


def drawings(seed: int) -> Pair:
    """Two on a ground of the same colour."""
    ground = INKS[seed % len(INKS)]
    return drawing(seed, ground=ground), through(drawing(seed + 1000, ground=ground), seed)


def recompressed(seed: int) -> Pair:
    original = some(seed)
    return original, through(original, seed)


def resized(seed: int) -> Pair:
    original = some(seed)
    scale = (0.35, 0.5, 0.67, 0.8, 1.3, 1.78, 2.5)[seed % 7]
    way = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.NEAREST)[
        seed % 4
    ]
    size = (round(original.width * scale), round(original.height * scale))
    return through(original, seed + 1), through(original.resize(size, way), seed)


def burst(seed: int) -> Pair:
    """Two shots of one scene from the hand, a moment apart."""
    shake = (0.3, 0.8, 2.0, 5.0, 12.0)[seed % 5]
    size = SIZES[seed % len(SIZES)]
    return through(scene(seed, size, shot=1, shake=shake), 4), through(scene(seed, size, shot=2, shake=shake), 4)


def tripod(seed: int) -> Pair:
    """Two shots of one scene in which people and cars have moved, and nothing else."""
    size = SIZES[seed % len(SIZES)]
    return through(scene(seed, size, shot=1), 4), through(scene(seed, size, shot=2), 4)


def edited(seed: int) -> Pair:
    original = some(7 * (seed // len(EDITS)) + seed)
    return original, through(EDITS[seed % len(EDITS)](original, seed), seed)


def pages(seed: int) -> Pair:
    """Another page, or the same one further down."""
    size = ((720, 960), (828, 1472), (1080, 1080))[seed % 3]
    further = {"seed": seed + 1000} if seed % 2 else {"seed": seed, "scrolled": 37.0 + 61 * (seed % 5)}
    return page(seed, size), through(page(**further, size=size), seed)


def some(seed: int) -> Image.Image:
    """A picture of any kind."""
    match seed % 6:
        case 0:
            return drawing(seed)
        case 1:
            return page(seed)
        case 2:
            return photograph(seed, SIZES[seed % len(SIZES)])
        case _:
            return scene(seed, SIZES[seed % len(SIZES)])


def through(image: Image.Image, seed: int) -> Image.Image:
    """The picture as another program has saved it."""
    match seed % 8:
        case 0:
            return image
        case 1:
            return saved(image, "JPEG", quality=35, subsampling=2)
        case 2:
            return saved(saved(image, "JPEG", quality=60, subsampling=2), "JPEG", quality=87, subsampling=2)
        case 3:
            return saved(image, "WEBP", quality=50)
        case 4:
            return saved(image, "JPEG", quality=87, subsampling=2)
        case 5:
            return saved(image.quantize(48), "PNG")
        case 6:
            return saved(image, "JPEG", quality=20, subsampling=2)
        case _:
            return saved(image, "JPEG", quality=95, subsampling=0)


def saved(image: Image.Image, kind: str, **options: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def _cropped(image: Image.Image, seed: int) -> Image.Image:
    share = (0.01, 0.03, 0.08, 0.2)[seed // len(EDITS) % 4]
    dx, dy = round(share * image.width), round(share * image.height)
    return image.crop((dx, dy, image.width - dx // 2, image.height - dy // 2))


def _vignette(image: Image.Image, _seed: int) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - 0.45 * np.clip(x**2 + y**2, 0, 1.6)[..., None] / 1.6
    return Image.fromarray((np.asarray(image) * light).astype(np.uint8))


def _background_blurred(image: Image.Image, _seed: int) -> Image.Image:
    where = Image.new("L", image.size)
    w, h = image.size
    ImageDraw.Draw(where).ellipse((w * 0.25, h * 0.2, w * 0.75, h), fill=255)
    return Image.composite(image, image.filter(ImageFilter.GaussianBlur(9)), where.filter(ImageFilter.GaussianBlur(6)))


def dated(image: Image.Image, _seed: int) -> Image.Image:
    """As a camera prints it."""
    stamped = image.copy()
    font = ImageFont.load_default(image.height // 24)
    ImageDraw.Draw(stamped).text((image.width * 0.68, image.height * 0.92), "14 07 2026", (255, 140, 30), font)
    return stamped


def _watermarked(image: Image.Image, _seed: int) -> Image.Image:
    over = Image.new("RGBA", image.size)
    draw, font = ImageDraw.Draw(over), ImageFont.load_default(image.height // 14)
    for row, column in itertools.product(range(4), range(3)):
        draw.text((column * image.width / 3 + 10, (row + 0.3) * image.height / 4), "sample", (255, 255, 255, 110), font)
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def _noisy(image: Image.Image, seed: int) -> Image.Image:
    grain = np.random.default_rng(seed).normal(0, 14, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def _framed(image: Image.Image, seed: int) -> Image.Image:
    margin = image.width // 16
    inner = image.resize((image.width - 2 * margin, image.height - 2 * margin), Image.Resampling.BICUBIC)
    return ImageOps.expand(inner, margin, ("white", "black", "red")[seed % 3])


def _healed(image: Image.Image, seed: int) -> Image.Image:
    """A thing taken out, by what is beside it."""
    chance = np.random.default_rng(seed)
    healed, (w, h) = image.copy(), (image.width // 5, image.height // 5)
    x, y = int(chance.integers(w, image.width - 2 * w)), int(chance.integers(h, image.height - 2 * h))
    piece = image.crop((x - w, y, x, y + h))
    soft = ImageOps.expand(Image.new("L", (w - 12, h - 12), 255), 6, 0).filter(ImageFilter.GaussianBlur(3))
    healed.paste(piece, (x, y), soft)
    return healed


EDITS: tuple[Callable[[Image.Image, int], Image.Image], ...] = (
    lambda image, _seed: ImageEnhance.Brightness(image).enhance(1.25),
    lambda image, _seed: ImageEnhance.Contrast(image).enhance(1.35),
    lambda image, _seed: ImageEnhance.Color(image).enhance(1.6),
    lambda image, _seed: image.convert("L").convert("RGB"),
    lambda image, _seed: ImageOps.colorize(image.convert("L"), (40, 20, 5), (255, 235, 200)),
    lambda image, _seed: image.filter(ImageFilter.GaussianBlur(3)),
    lambda image, _seed: image.filter(ImageFilter.UnsharpMask(3, 180, 2)),
    lambda image, _seed: image.filter(ImageFilter.MedianFilter(7)),
    lambda image, _seed: ImageOps.mirror(image),
    lambda image, _seed: image.rotate(2, Image.Resampling.BICUBIC),
    _cropped, _vignette, _background_blurred, dated, _watermarked, _noisy, _framed, _healed,
)  # fmt: skip
PAIRS: dict[str, tuple[Callable[[int], Pair], int]] = {
    "unrelated": (unrelated, 60),
    "drawings on one ground": (drawings, 60),
    "recompressed": (recompressed, 60),
    "resized": (resized, 56),
    "burst": (burst, 60),
    "burst from a tripod": (tripod, 40),
    "edited": (edited, 108),
    "pages of text": (pages, 56),
}
