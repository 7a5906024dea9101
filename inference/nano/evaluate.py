"""How well a checkpoint follows prompts: a table of what the checker finds, for each mode and language."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inference.nano.captions import caption
from inference.nano.checker import Seen, in_order, look, position
from inference.nano.sampling import Nets, draw, open_nets
from inference.nano.world import SIZE, Scene, sample_scene

COLUMNS = ("background", "colour", "shape", "position", "count", "pair colours", "pair shapes")
FIRST_SEED = 900_000_000  # far from any training scene
WANTED = {
    "single": {"shape1", "colour1", "background", "position"},
    "count": {"shape1", "colour1", "background"},
    "pair": {"shape1", "colour1", "shape2", "colour2", "background"},
}


@dataclass(frozen=True)
class Question:
    """A sentence, the scene that it describes and the seed to draw it with."""

    prompt: str
    scene: Scene
    seed: int


def questions(kind: str, language: str, count: int) -> list[Question]:
    """`count` captions of unseen flat scenes that name everything that is measured; always the same ones.

    A single object in the middle need not say so, because that is what silence means in this world.
    """
    found: list[Question] = []
    for seed in range(FIRST_SEED, FIRST_SEED + 100 * count):
        rng, scene = random.Random(seed), sample_scene(seed, kind)
        if scene.style != "flat":
            continue
        prompt = _full_caption(scene, language, rng)
        if prompt:
            found.append(Question(prompt, scene, seed % 2**31))
        if len(found) == count:
            break
    return found


def _full_caption(scene: Scene, language: str, rng: random.Random) -> str:
    """A caption that names everything that is measured, or ""."""
    wanted = set(WANTED[scene.kind])
    if scene.position == "centre":
        wanted.discard("position")
    for _ in range(20):
        prompt, named = caption(scene, language, rng)
        if wanted <= named.keys():
            return prompt
    return ""


def marks(scene: Scene, seen: Seen) -> dict[str, bool]:
    """Which measured properties of the scene the picture has."""
    blobs, out = seen.blobs, {"background": seen.background == scene.background}
    if scene.kind == "pair":
        pair = in_order(blobs, scene.pairing)
        enough = len(pair) == 2
        out["pair colours"] = enough and all(b.colour == t.colour for b, t in zip(pair, scene.things, strict=True))
        out["pair shapes"] = enough and all(b.shape == t.shape for b, t in zip(pair, scene.things, strict=True))
        return out
    (thing,) = scene.things
    out["colour"] = bool(blobs) and blobs[0].colour == thing.colour
    if scene.kind == "count":
        out["count"] = len(blobs) == scene.count
        return out
    out["shape"] = bool(blobs) and blobs[0].shape == thing.shape
    out["position"] = bool(blobs) and position(blobs[0]) == scene.position
    return out


@dataclass(frozen=True)
class Row:
    """One line of the table; shares 0..1 by column, and core seconds for a picture."""

    mode: str
    language: str
    shares: dict[str, float]
    seconds: float


def measure(nets: Nets, mode: str, language: str, pictures: int, steps: int = 50) -> tuple[Row, np.ndarray]:
    """Draws and marks `pictures` prompts: half single, a quarter counts, a quarter pairs. Also returns the pictures."""
    asked = [
        question
        for kind, share in (("single", 0.5), ("count", 0.25), ("pair", 0.25))
        for question in questions(kind, language, round(pictures * share))
    ]
    started = time.process_time()
    drawn = draw(nets, mode, [q.prompt for q in asked], [q.seed for q in asked], steps).numpy()
    seconds = (time.process_time() - started) / len(asked)
    found: dict[str, list[bool]] = defaultdict(list)
    for question, picture in zip(asked, drawn, strict=True):
        for column, right in marks(question.scene, look(picture)).items():
            found[column].append(right)
    shares = {column: sum(found[column]) / len(found[column]) for column in COLUMNS if found[column]}
    return Row(mode, language, shares, seconds), drawn


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| | " + " | ".join(COLUMNS) + " | s / picture |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in rows:
        cells = [f"{row.shares[c]:.2f}" if c in row.shares else "–" for c in COLUMNS]
        lines.append(f"| {row.mode} {row.language} | " + " | ".join(cells) + f" | {row.seconds:.2f} |")
    return "\n".join(lines)


def evaluate(folder: Path, pictures: int, steps: int = 50, sheets: Path | None = None) -> list[Row]:
    """Measures both modes in both languages; with `sheets`, keeps what was drawn as contact sheets there."""
    rows = []
    for mode in ("base", "flash"):
        nets = open_nets(folder, mode)
        for language in ("ru", "en"):
            row, drawn = measure(nets, mode, language, pictures, steps)
            rows.append(row)
            if sheets is not None:
                sheets.mkdir(parents=True, exist_ok=True)
                contact_sheet(drawn).save(sheets / f"{mode}_{language}.png")
    return rows


def contact_sheet(pictures: np.ndarray, across: int = 12) -> Image.Image:
    """Pictures uint8 [N, SIZE, SIZE, 3] in rows with thin gaps."""
    step, down = SIZE + 4, -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * step, down * step), (255, 255, 255))
    for i, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (i % across * step, i // across * step))
    return sheet
