"""What a decoding process does with a file of a stranger. Each deed opens its files, asks for what it takes if it was
granted less, and gives plain facts and bytes. It runs where it may be killed at any moment.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from bot.imaging.counting import TooMuch, count
from bot.imaging.weighing import WHOLE, Weight, draft_scale, to_check, to_reduce, webp_weight
from inference.blobs import recipe_in
from inference.blobs.pictures import Opened, avif_supported, heic_supported, opened, within_bounds
from inference.blobs.png import write_png
from inference.requests.fields import MAX_PICTURE_SIDE, MAX_PIXELS

MIN_SIDE = 64
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")  # ISO/IEC 23008-12, annex B
AVIF_BRANDS = (b"avif", b"avis")
OUT_OF_MEMORY = re.compile(r"out of memory|decoder error -9\b")  # as Pillow says it of a decoder in C
COMPARED_SIDE = 2048  # of pictures that are compared with each other: twice what the comparison looks at
MASK_PIXELS = 4_000_000  # areas of larger pictures are worked out on smaller ones, for distances take 40 bytes a pixel
COMPARING = Weight(120_000_000, 8.0)
MARKING = Weight(150_000_000, 4.0)
CUT_OUT_BYTES = 10  # a pixel, while its transparency is taken out and packed
MASK_BYTES = 3  # a pixel, while the mask is brought to the picture's own size and packed


class Refused(Exception):
    """The file cannot be worked from: a `decoding.Trouble`, and a detail, shown to people where it matters."""

    def __init__(self, trouble: str, detail: str = "") -> None:
        super().__init__(trouble, detail)
        self.trouble, self.detail = trouble, detail


class Heavier(Exception):
    """The deed takes more than was granted."""

    def __init__(self, weight: Weight) -> None:
        super().__init__(weight)
        self.weight = weight


@dataclass(frozen=True)
class Answer:
    facts: dict[str, Any] = field(default_factory=dict)
    parts: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Task:
    """`files` are paths, `into` one to write to."""

    files: tuple[Path, ...]
    granted: Weight
    arguments: dict[str, Any] = field(default_factory=dict)
    into: Path | None = None

    def need(self, weight: Weight) -> None:
        """Raises Heavier where that is more than was granted."""
        if weight.memory > self.granted.memory or weight.seconds > self.granted.seconds:
            raise Heavier(weight)


def check(task: Task) -> Answer:
    """Decodes a file once and says what it is; a TIFF is written into `into` as a PNG, for the libraries of that format
    are run nowhere else. `moving`: it is the first of several frames. Raises Refused."""
    (path,) = task.files
    content = path.read_bytes()
    if _brand(content) in HEIC_BRANDS and not heic_supported():
        raise Refused("no_heic")
    if _brand(content) in AVIF_BRANDS and not avif_supported():
        raise Refused("not_an_image")
    _refuse_too_hard(content)
    with _opened(task, path) as picture:
        _bound(picture)
        task.need(to_check(picture.image))
        try:
            _decode_once(picture, task.into)
        except (UnidentifiedImageError, MemoryError):
            raise
        except Exception as broken:
            if isinstance(broken, OSError) and OUT_OF_MEMORY.search(str(broken)):
                raise MemoryError from broken
            raise Refused("broken", f"{type(broken).__name__}: {broken}") from broken
        kind, (width, height) = picture.image.format or "", picture.size
        facts = {"format": kind, "width": width, "height": height, "rewritten": kind == "TIFF"}
        return Answer({**facts, "moving": picture.moving})


def reduce(task: Task) -> Answer:
    """A picture that was checked before, RGB and upright, its longer side at most `side`: its size, and its pixels."""
    seen = _reduced(task, task.files[0], task.arguments["side"], Weight(0, 0))
    return Answer({"width": seen.width, "height": seen.height}, (seen.tobytes(),))


def recover(task: Task) -> Answer:
    """The mask of what was painted over the first file in the second, as PNG, or why there is none: `masks`."""
    from bot.imaging.alignment import MaskError
    from bot.imaging.masks import painted_area, resized, to_png, with_margin

    original, copy = task.files
    width, height = task.arguments["size"]
    more = COMPARING + Weight(MASK_BYTES * width * height, width * height / 20e6)
    with _opened(task, copy) as picture:
        more += to_reduce(picture.image, COMPARED_SIDE)
    ours = _reduced(task, original, COMPARED_SIDE, more)
    theirs = _reduced(task, copy, COMPARED_SIDE, Weight(0, 0))
    try:
        area = with_margin(painted_area(ours, theirs, explain=task.arguments["explain"]))
    except MaskError as error:
        return Answer({"mask": type(error).__name__})
    return Answer({}, (to_png(resized(area, (width, height))),))


def sign(task: Task) -> Answer:
    """The signature of a picture that was checked before: `signature`."""
    from bot.imaging.signature import LOOKED_AT, signature

    return Answer({}, (signature(_reduced(task, task.files[0], LOOKED_AT, Weight(0, 0))),))


def mark(task: Task) -> Answer:
    """An area of the first file: its mask as PNG at the picture's size, and the picture that shows it as JPEG; neither
    where nothing is left of the area, or nothing of the picture. A second file is the mask that was painted."""
    from bot.imaging.areas import cell_mask
    from bot.imaging.masks import from_png, resized, to_png
    from bot.imaging.overlay import SIDE, overlay
    from bot.imaging.regions import grown

    width, height = size = task.arguments["size"]
    more = MARKING + Weight(MASK_BYTES * width * height, width * height / 20e6)
    picture = _reduced(task, task.files[0], SIDE, more)
    scale = min(1.0, math.sqrt(MASK_PIXELS / (width * height)))
    working = (max(1, round(width * scale)), max(1, round(height * scale)))
    if len(task.files) > 1:
        mask = resized(from_png(task.files[1].read_bytes()), working)
    else:
        mask = cell_mask(working, task.arguments["grid"], task.arguments["cells"])
    if growth := task.arguments["growth"]:
        mask = grown(mask, growth * min(mask.shape))
    if not mask.any() or mask.all():
        return Answer()
    return Answer({}, (to_png(resized(mask, tuple(size))), overlay(picture, mask)))


def cut_out(task: Task) -> Answer:
    """The mask of what is transparent in a file, as PNG, white where it is; or why there is none: it is not of the
    size that it should be (`mask` "size"), nothing in it is transparent ("nothing"), or all of it ("all")."""
    from bot.imaging.masks import to_png

    (path,) = task.files
    _refuse_too_hard(path.read_bytes())
    with _opened(task, path) as picture:
        image = picture.image
        if list(image.size) != task.arguments["size"]:
            return Answer({"mask": "size", "detail": f"{image.width}x{image.height}"})
        task.need(to_reduce(image, max(image.size)) + Weight(CUT_OUT_BYTES * image.width * image.height, 1.0))
        if not image.has_transparency_data:
            return Answer({"mask": "nothing"})
        try:
            clear = np.asarray(image.convert("RGBA").getchannel("A")) < 128
        except (OSError, SyntaxError, ValueError) as broken:
            raise Refused("broken", f"{type(broken).__name__}: {broken}") from broken
    if clear.all() or not clear.any():
        return Answer({"mask": "all" if clear.all() else "nothing"})
    return Answer({}, (to_png(clear),))


def encode(task: Task) -> Answer:
    """A picture of ours as a JPEG or a WebP of a quality from 1 to 100."""
    kind, quality = task.arguments["format"], task.arguments["quality"]
    with _opened(task, task.files[0]) as picture:
        more = Weight(WHOLE["WEBP"] * picture.image.width * picture.image.height, 2.0)
        task.need(to_reduce(picture.image, max(picture.size)) + more)
        seen, buffer = picture.upright(), io.BytesIO()
    seen.save(buffer, {"jpeg": "JPEG", "webp": "WEBP"}[kind], quality=quality)
    return Answer({}, (buffer.getvalue(),))


def recipe(task: Task) -> Answer:
    """The recipe in a PNG as JSON; nothing where there is none."""
    with task.files[0].open("rb") as file:
        found = recipe_in(file)
    return Answer({}, () if found is None else (found.model_dump_json().encode(),))


DEEDS: dict[str, Callable[[Task], Answer]] = {
    "check": check,
    "reduce": reduce,
    "recover": recover,
    "sign": sign,
    "mark": mark,
    "recipe": recipe,
    "cut_out": cut_out,
    "encode": encode,
}
# What to import before a process is made for the deed.
PREPARED = {
    "recover": "bot.imaging.masks",
    "cut_out": "bot.imaging.masks",
    "sign": "bot.imaging.signature",
    "mark": "bot.imaging.overlay",
}


def _refuse_too_hard(content: bytes) -> None:
    """Raises Refused where a decoder would have too much to do with a file."""
    try:
        count(content)
    except TooMuch as much:
        raise Refused("too_hard", str(much)) from much


def _opened(task: Task, path: Path) -> Opened:
    """The picture in a file, its header read. Raises Refused."""
    with path.open("rb") as file:
        if (weight := webp_weight(file.read(32))) is not None:  # whose decoder takes its memory to read the header
            task.need(weight)
    try:
        return opened(path)
    except Image.DecompressionBombError as bomb:
        raise Refused("too_many_pixels") from bomb
    except MemoryError:
        raise
    except Exception as unreadable:
        raise Refused("not_an_image", f"{type(unreadable).__name__}: {unreadable}") from unreadable


def _bound(picture: Opened) -> None:
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise Refused("too_small", f"{width}×{height}")
    if not within_bounds(picture.size):
        longest = max(width, height) > MAX_PICTURE_SIDE and width * height <= MAX_PIXELS
        raise Refused("too_long" if longest else "too_many_pixels", f"{width}×{height}")


def _decode_once(picture: Opened, into: Path | None) -> None:
    """Reads a picture to its end in as little memory as its format allows, and sees that RGB can be made of it."""
    image = picture.image
    if image.format == "TIFF":
        assert into is not None
        with into.open("wb") as file:
            write_png(file, np.asarray(picture.upright()))
        return
    if image.format == "JPEG":
        image.draft(None, (image.width // 8, image.height // 8))  # all of the data is read all the same
    decoder = getattr(image, "_decoder", None) if image.format == "WEBP" else None
    if decoder is not None:
        if decoder.get_next() is None:
            raise ValueError("no frame")
        return
    image.load()
    picture.corner()


def _reduced(task: Task, path: Path, side: int, more: Weight) -> Image.Image:
    """RGB, upright, the longer side at most `side`. `more` is what else the task is going to take."""
    with _opened(task, path) as picture:
        image = picture.image
        task.need(to_reduce(image, side) + more)
        if image.format == "JPEG":
            scale = draft_scale(image.size, side)
            image.draft(None, (image.width // scale, image.height // scale))
        seen = picture.upright()
    if max(seen.size) > side:
        seen.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return seen


def _brand(content: bytes) -> bytes:
    """What a file of boxes calls itself in the first of them (ISO/IEC 14496-12, 4.3)."""
    return content[8:12] if content[4:8] == b"ftyp" else b""
