"""How well a checkpoint follows prompts: what the checker finds in what the engine draws, by mode and language."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inference.nano.captions import LANGUAGES
from inference.nano.checker import Seen, in_order, look, position
from inference.nano.questions import Examiner, Question
from inference.nano.studio import Studio
from inference.nano.world import SQUARE, Scene, Size
from inference.requests import AnyRequest, FlashTextToImage, TextToImage

COLUMNS = ("background", "colour", "shape", "position", "count", "pair colours", "pair shapes")
KIND_SHARES = {"single": 0.5, "count": 0.25, "pair": 0.25}
MODES = ("base", "flash")


def marks(scene: Scene, seen: Seen, size: Size = SQUARE) -> dict[str, bool]:
    """Which measured properties of the scene a picture of that size has."""
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
    out["position"] = bool(blobs) and position(blobs[0], size) == scene.position
    return out


@dataclass(frozen=True)
class Row:
    """One line of the table: shares 0..1 and how many pictures they are taken of by column, core seconds a picture."""

    mode: str
    language: str
    shares: dict[str, float]
    counts: dict[str, int]
    seconds: float


def asked(examiner: Examiner, language: str, pictures: int) -> list[Question]:
    """About `pictures` questions in one language: half single objects, a quarter counts, a quarter pairs."""
    return [
        question
        for kind, share in KIND_SHARES.items()
        for question in examiner.questions(kind, language, max(1, round(pictures * share)))
    ]


def request(mode: str, question: Question, size: tuple[int, int], steps: int = 50) -> AnyRequest:
    """What a person would ask for: "base" at guidance 3, "flash" in its four steps."""
    width, height = size
    if mode == "flash":
        return FlashTextToImage(prompt=question.prompt, seeds=(question.seed,), width=width, height=height)
    return TextToImage(
        prompt=question.prompt, seeds=(question.seed,), width=width, height=height, steps=steps, guidance_scale=3.0
    )


def measure(studio: Studio, mode: str, questions: Sequence[Question], steps: int = 50) -> tuple[Row, np.ndarray]:
    """Draws and marks what the questions, all in one language, ask for. Also returns the pictures, [N, H, W, 3]."""
    started = time.process_time()
    size = studio.card.of("flash" if mode == "flash" else "full").native_size
    made = studio.draw([request(mode, question, size, steps) for question in questions])
    seconds = (time.process_time() - started) / len(questions)
    drawn = np.stack([picture for (picture,) in made])
    found: dict[str, list[bool]] = defaultdict(list)
    for question, picture in zip(questions, drawn, strict=True):
        for column, right in marks(question.scene, look(picture)).items():
            found[column].append(right)
    shares = {column: sum(found[column]) / len(found[column]) for column in COLUMNS if found[column]}
    counts = {column: len(found[column]) for column in shares}
    return Row(mode, questions[0].language, shares, counts, seconds), drawn


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| | " + " | ".join(COLUMNS) + " | s / picture |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in rows:
        cells = [f"{row.shares[c]:.2f}" if c in row.shares else "–" for c in COLUMNS]
        lines.append(f"| {row.mode} {row.language} | " + " | ".join(cells) + f" | {row.seconds:.2f} |")
    return "\n".join(lines)


def evaluate(folder: Path, pictures: int, steps: int = 50, sheets: Path | None = None) -> list[Row]:
    """Measures both modes in both languages; with `sheets`, keeps what was drawn as contact sheets there."""
    rows, studio = [], Studio(folder)
    examiner = Examiner(studio.files)
    questions = {language: asked(examiner, language, pictures) for language in LANGUAGES}
    for mode in MODES:
        for language in LANGUAGES:
            row, drawn = measure(studio, mode, questions[language], steps)
            rows.append(row)
            if sheets is not None:
                sheets.mkdir(parents=True, exist_ok=True)
                contact_sheet(drawn).save(sheets / f"{mode}_{language}.png")
    return rows


def contact_sheet(pictures: np.ndarray, across: int = 12) -> Image.Image:
    """Pictures uint8 [N, H, W, 3] in rows with thin gaps."""
    (count, height, width), gap = pictures.shape[:3], 4
    sheet = Image.new("RGB", (across * (width + gap), -(-count // across) * (height + gap)), (255, 255, 255))
    for i, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture), (i % across * (width + gap), i // across * (height + gap)))
    return sheet
