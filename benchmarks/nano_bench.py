"""What every part of the quality benchmark works with: engine, ranker, unseen scenes, and ways to look at pictures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from inference.nano.captions import LANGUAGES
from inference.nano.checker import Seen
from inference.nano.drawing import draw
from inference.nano.edges import true_edges
from inference.nano.evaluate import contact_sheet
from inference.nano.questions import FIRST_SEED, Examiner, full_caption
from inference.nano.ranking import Ranker
from inference.nano.studio import Pixels, Studio
from inference.nano.world import COLOURS, SHAPES, Scene, Thing, goes_with, sample_scene
from inference.requests import WeighedSource

APART = 1_000_000  # between the scenes of one part and those of the next
ACROSS = 12  # pictures side by side on a contact sheet
TOLERANCE = 2  # pixels by which an edge may lie off


@dataclass(frozen=True)
class Bench:
    """`count` pictures a row, `prompts` sentences a language for words alone, `steps` wherever there is a choice.

    What is drawn is kept in the folder `sheets`, if there is one.
    """

    studio: Studio
    ranker: Ranker | None
    examiner: Examiner
    count: int
    prompts: int
    steps: int
    sheets: Path | None = None

    @property
    def size(self) -> dict[str, int]:
        """The native size as fields of a request."""
        width, height = self.studio.card.of("flash").native_size
        return {"width": width, "height": height}

    def weighed(self, picture: Pixels, weight: float = 1.0) -> WeighedSource:
        """A stored picture for an image prompt."""
        return WeighedSource(**self.studio.put(picture).model_dump(), weight=weight)

    def keep(self, name: str, *rows: Sequence[Pixels]) -> None:
        """Pictures for a person to look at: `rows` under each other, as contact sheets in the folder `sheets`."""
        if self.sheets is not None:
            self.sheets.mkdir(parents=True, exist_ok=True)
            columns = min(ACROSS, len(rows[0]))
            lines = [row[i : i + columns] for i in range(0, len(rows[0]), columns) for row in rows]
            padded = [[*line, *[np.full_like(line[0], 255)] * (columns - len(line))] for line in lines]
            sheet = contact_sheet(np.stack([picture for line in padded for picture in line]), columns)
            sheet.save(self.sheets / f"{name}.png")

    def judge(self) -> Ranker:
        """The ranker, where a part cannot do without."""
        assert self.ranker is not None
        return self.ranker


def scenes(part: int, kind: str, count: int, *, plain: bool = False) -> list[Scene]:
    """`count` flat scenes that no net has seen; every part of the benchmark has its own. `plain`: on one colour."""
    found: list[Scene] = []
    seed = FIRST_SEED + part * APART
    while len(found) < count:
        scene = sample_scene(seed, kind)
        seed += 1
        if scene.style == "flat" and (not plain or scene.background in COLOURS):
            found.append(scene)
    return found


def painted(scene: Scene) -> Pixels:
    """The scene as the world draws it, uint8 [SIZE, SIZE, 3]."""
    return np.asarray(draw(scene))


def sentence(scene: Scene, number: int) -> str:
    """A sentence that names all that is measured of a scene; Russian and English take turns by `number`."""
    prompt, rng = "", random.Random(scene.seed + number)
    while not prompt:
        prompt = full_caption(scene, LANGUAGES[number % len(LANGUAGES)], rng)
    return prompt


def other_thing(thing: Thing, background: str, rng: random.Random) -> Thing:
    """A thing of another shape and another colour that can be seen on the same ground."""
    colours = [colour for colour in COLOURS if goes_with(colour, background) and colour != thing.colour]
    return Thing(rng.choice([shape for shape in SHAPES if shape != thing.shape]), rng.choice(colours))


def recoloured(scene: Scene, rng: random.Random) -> Scene:
    """The same single thing in other colours on another plain ground."""
    (thing,) = scene.things
    grounds = [name for name in COLOURS if name != scene.background]
    background = rng.choice(grounds)
    colours = [colour for colour in COLOURS if goes_with(colour, background) and colour != thing.colour]
    return replace(scene, things=(Thing(thing.shape, rng.choice(colours)),), background=background)


def alike(seen: Seen, scene: Scene) -> dict[str, bool]:
    """Which of colour, shape and ground of a single thing a picture has."""
    (thing,), blobs = scene.things, seen.blobs
    return {
        "colour": bool(blobs) and blobs[0].colour == thing.colour,
        "shape": bool(blobs) and blobs[0].shape == thing.shape,
        "ground": seen.background == scene.background,
    }


def tensors(pictures: Sequence[Pixels]) -> list[torch.Tensor]:
    """Pictures as the ranker takes them."""
    return [torch.from_numpy(np.array(picture)) for picture in pictures]


def edges(picture: Pixels) -> np.ndarray:
    """Where colours change, bool [H, W]."""
    return true_edges(torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None])[0, 0].numpy() > 0


def agreement(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of edges, bool [H, W], where TOLERANCE pixels off is still right."""
    precision = (found & grown(wanted, TOLERANCE)).sum() / max(1, found.sum())
    recall = (wanted & grown(found, TOLERANCE)).sum() / max(1, wanted.sum())
    return float(precision), float(recall), float(2 * precision * recall / max(1e-9, precision + recall))


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask, bool [H, W], and what is near to it."""
    return np.asarray(Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(2 * pixels + 1))) > 0


def psnr(made: Pixels, true: Pixels) -> float:
    """Decibels of a picture against the true one, both uint8."""
    error = np.square(made.astype(np.float64) - true).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
