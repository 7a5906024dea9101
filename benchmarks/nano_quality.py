"""`python -m benchmarks.nano_quality`: does the small checkpoint do what it is asked to, in every mode?

Everything is drawn by the engine that serves people, and measured by a checker that knows the world's shapes and
colours and by the checkpoint's own small CLIP. Always the same sentences, none of which training has read.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks.__main__ import machine
from benchmarks.nano_bench import Bench, painted, scenes, sentence, tensors
from benchmarks.nano_people import people
from benchmarks.nano_repair import drawing_over, enlarging, inpainting, picked, ranking
from benchmarks.nano_report import Finding, Section, markdown, share
from benchmarks.nano_steering import mixture, outlines, variation
from inference.families.kandinsky.files.store import EMBEDDED
from inference.nano.captions import LANGUAGES
from inference.nano.evaluate import COLUMNS, MODES, Row, asked, measure, table
from inference.nano.inpainting import box_mask
from inference.nano.questions import Examiner
from inference.nano.ranking import WEIGHTS, open_ranker
from inference.nano.studio import Studio
from inference.requests import (
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Kind,
    Mix,
    Refine,
    TextToImage,
    Upscale,
)

BASE_TARGETS = {
    "colour": 98.0, "background": 98.0, "position": 98.0, "shape": 90.0, "count": 85.0, "pair colours": 75.0,
}  # fmt: skip
FLASH_BEHIND = 5.0
FLASH_SECONDS = 1.5
TIMED = 3  # draws, of which the median counts


def words(bench: Bench) -> Section:
    """Pictures from words alone, by both modes in both languages."""
    rows: list[Row] = []
    findings: list[Finding] = []
    questions = {language: asked(bench.examiner, language, bench.prompts) for language in LANGUAGES}
    everything = [question for language in LANGUAGES for question in questions[language]]
    for mode in MODES:
        drawn = []
        for language in LANGUAGES:
            row, pictures = measure(bench.studio, mode, questions[language], bench.steps)
            rows.append(row)
            drawn.append(pictures)
            bench.keep(f"words_{mode}_{language}", list(pictures))
        if bench.ranker is not None:
            own = bench.ranker.see(tensors(list(np.concatenate(drawn))))
            read = bench.ranker.read([question.prompt for question in everything])
            findings.append(share(f"{mode}: CLIP prefers the own sentence to seven others", picked(own @ read.T)))
    pooled = {mode: _pooled([row for row in rows if row.mode == mode]) for mode in MODES}
    for column in COLUMNS:
        base, flash = (pooled[mode][column] for mode in MODES)
        target = BASE_TARGETS.get(column)
        findings.append(Finding(f"base: {column}", *base, target=target))
        findings.append(Finding(f"flash: {column}", *flash, target=base[0] - FLASH_BEHIND))
    new = sum(not bench.examiner.familiar(question.scene) for question in everything)
    remark = (
        f"{len(everything)} sentences, half of them Russian: base in {bench.steps} steps at guidance 3, Flash in four. "
        f"Their scenes are unseen, and so are their words: {bench.examiner.passed_over} sentences were passed over "
        f"because they are among the {bench.examiner.compared:,} captions that the text encoder read, are plain ones "
        "by which others were taught, or may be among those of the training pictures with the same content. What "
        "people say, which reading was learnt from, is not compared. "
        f"{new} of the sentences combine shape, colour and ground as no training picture does."
    )
    return Section("Pictures from words", remark, findings, table(rows))


def _pooled(rows: list[Row]) -> dict[str, tuple[float, int]]:
    """Both languages together by column: per cent, and how many pictures."""
    found = {}
    for column in COLUMNS:
        counts = [row.counts.get(column, 0) for row in rows]
        right = sum(row.shares.get(column, 0.0) * count for row, count in zip(rows, counts, strict=True))
        found[column] = (100 * right / max(1, sum(counts)), sum(counts))
    return found


def seconds(bench: Bench) -> Section:
    """Core seconds of one picture asked for by itself, in every mode that the checkpoint has."""
    findings, repeats = [], min(TIMED, bench.count)
    for name, kind, request in _one_of_each(bench):
        if kind not in bench.studio.card.kinds:
            continue
        bench.studio.draw([request])  # loads the nets
        taken = []
        for _ in range(repeats):
            started = time.process_time()
            bench.studio.draw([request])
            taken.append(time.process_time() - started)
        target = FLASH_SECONDS if kind == "flash" else None
        findings.append(
            Finding(name, statistics.median(taken), repeats, "s", target=target, at_most=target is not None)
        )
    remark = "CPU time of one thread from request to pixels, nets loaded and texts known; the median."
    return Section("Seconds a picture", remark, findings)


def _one_of_each(bench: Bench) -> Iterator[tuple[str, Kind, AnyRequest]]:
    (scene,) = scenes(7, "single", 1)
    picture, steps = painted(scene), bench.steps
    source, images = bench.studio.put(picture), (bench.weighed(picture),)
    mask = bench.studio.put(np.asarray(box_mask(scene, 0, random.Random(0)))).blob
    said = {"prompt": sentence(scene, 1), "seeds": (1,)}
    sized, guided = {**said, **bench.size}, {**said, **bench.size, "steps": steps}
    side = bench.size["width"]
    yield "Flash, 4 steps", "flash", FlashTextToImage(**sized)
    yield f"base, {steps} steps", "full", TextToImage(**guided)
    yield f"drawn over, {int(steps * 0.3)} of {steps} steps", "refine", Refine(image=source, strength=0.3, **guided)
    yield f"variation, {steps} steps", "mix", Mix(images=images, **guided)
    yield "Flash variation, 4 steps", "mix_flash", FlashMix(images=images, **sized)
    inpaint = Inpaint(image=source, mask=mask, native_side=side, steps=steps, **said)
    yield f"inpainting, {steps} steps", "inpaint", inpaint
    yield f"outlines (HED), {steps} steps", "hed", Control(kind="hed", image=source, **guided)
    yield f"outlines (scribble), {steps} steps", "scribble", Control(kind="scribble", image=source, **guided)
    for net in ("x2", "x4", "flash_x2"):
        yield f"{net} of {side} pixels", net, Upscale(kind=net, image=source, seeds=(1,))


@dataclass(frozen=True)
class Part:
    """A part of the report and what it cannot do without."""

    title: str
    run: Callable[[Bench], Section]
    kinds: tuple[Kind, ...] = ()
    ranker: bool = False


PARTS = {
    "words": Part("Pictures from words", words, ("full", "flash")),
    "people": Part("What people say", people, ("full", "flash")),
    "variation": Part("Variations of a picture", variation, ("mix", "mix_flash")),
    "mixture": Part("Mixtures of two pictures", mixture, ("mix",), ranker=True),
    "inpainting": Part("Inpainting", inpainting, ("inpaint",)),
    "hed": Part("Outlines (HED)", partial(outlines, kind="hed"), ("hed",)),
    "scribble": Part("Outlines (scribble)", partial(outlines, kind="scribble"), ("scribble",)),
    "x2": Part("Enlarging (x2)", partial(enlarging, net="x2"), ("x2",)),
    "x4": Part("Enlarging (x4)", partial(enlarging, net="x4"), ("x4",)),
    "flash_x2": Part("Enlarging (flash_x2)", partial(enlarging, net="flash_x2"), ("flash_x2",)),
    "ranking": Part("The ranker's first of eight", ranking, ("flash",), ranker=True),
    "refine": Part("Drawing over a Flash draft", drawing_over, ("flash", "refine")),
    "seconds": Part("Seconds a picture", seconds),
}


def measured(part: Part, bench: Bench) -> Section:
    """The part's section, or one that says what the checkpoint lacks for it."""
    lacking = [kind for kind in part.kinds if kind not in bench.studio.card.kinds]
    if part.ranker and bench.ranker is None:
        lacking.append("the ranker")
    if lacking:
        return Section(part.title, f"Not measured: this checkpoint has no nets for {', '.join(lacking)}.")
    return part.run(bench)


def opened(weights: Path, count: int, prompts: int, steps: int, sheets: Path | None = None) -> Bench:
    """The checkpoint in `weights`, ready to be tried."""
    studio = Studio(weights)
    ranker = open_ranker(weights) if (weights / WEIGHTS).is_file() else None
    return Bench(studio, ranker, Examiner(studio.files), count, prompts, steps, sheets)


def main(
    parts: Annotated[list[str] | None, typer.Argument(help="Which: " + ", ".join(PARTS))] = None,
    weights: Annotated[Path, typer.Option(help="Checkpoint folder; the embedded one by default.")] = EMBEDDED,
    prompts: Annotated[int, typer.Option(min=1, help="Sentences in each language for pictures from words.")] = 200,
    count: Annotated[int, typer.Option(min=1, help="Pictures in every row of the other parts.")] = 48,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the full model, wherever it draws.")] = 50,
    sheets: Annotated[Path | None, typer.Option(help="Keep what was drawn as contact sheets in this folder.")] = None,
) -> None:
    chosen = parts or list(PARTS)
    if unknown := set(chosen) - PARTS.keys():
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    bench = opened(weights, count, prompts, steps, sheets)
    print(f"{machine()}; one thread", flush=True)
    for name in chosen:
        started = time.process_time()
        section = measured(PARTS[name], bench)
        print(f"\n{markdown(section)}", flush=True)
        print(f"{name}: {time.process_time() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    typer.run(main)
