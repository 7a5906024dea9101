"""Are pictures changed where and as they should be? Inpainting, enlarging, drawing over; and is the best one found?"""

from __future__ import annotations

import io
import random
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.nano_bench import Bench, alike, grown, other_thing, painted, psnr, scenes, sentence, tensors
from benchmarks.nano_report import Finding, Section, mean, share
from bot.modes.drawing import REFINE_STEPS, STRENGTHS
from inference.families.kandinsky.pipelines.inpaint import LEAST_FEATHER
from inference.nano.captions import LANGUAGES
from inference.nano.checker import Blob, Seen, look
from inference.nano.drawing import draw
from inference.nano.evaluate import marks
from inference.nano.inpainting import box_mask
from inference.nano.questions import Question
from inference.nano.studio import Pixels
from inference.nano.superres import LARGE
from inference.nano.world import SIZE, Scene
from inference.requests import FlashTextToImage, Inpaint, Refine, Upscale

INPAINTED = 85.0
DECIBELS = 1.0
EIGHT = 8

Net = Literal["x2", "x4", "flash_x2"]


def inpainting(bench: Bench) -> Section:
    """Whether the thing that was asked for comes into the hole, and whether all else is left alone."""
    half = bench.count // 2
    shown = [*scenes(4, "single", bench.count - half), *scenes(4, "pair", half)]
    requests, wanted, holes, sources = [], [], [], []
    for i, scene in enumerate(shown):
        rng = random.Random(scene.seed)
        which = rng.randrange(len(scene.things))
        thing = other_thing(scene.things[which], scene.background, rng)
        alone = replace(scene, kind="single", things=(thing,), position="centre", size="medium")
        source, mask = painted(scene), np.asarray(box_mask(scene, which, rng))
        requests.append(
            Inpaint(
                prompt=sentence(alone, i),
                image=bench.studio.put(source),
                mask=bench.studio.put(mask).blob,
                seeds=(scene.seed,),
                steps=bench.steps,
                native_side=bench.size["width"],
            )
        )
        wanted.append(thing)
        holes.append(mask > 0)
        sources.append(source)
    made = [picture for (picture,) in bench.studio.draw(requests)]
    punched = [np.where(hole[..., None], 128, it).astype(np.uint8) for it, hole in zip(sources, holes, strict=True)]
    bench.keep("inpainting", sources, punched, made)
    inside = [_in_hole(look(picture), hole) for picture, hole in zip(made, holes, strict=True)]
    colour = [bool(blob) and blob.colour == it.colour for blob, it in zip(inside, wanted, strict=True)]
    shape = [bool(blob) and blob.shape == it.shape for blob, it in zip(inside, wanted, strict=True)]
    changed = [
        float(np.abs(picture.astype(int) - source)[~grown(hole, LEAST_FEATHER)].max(initial=0))
        for picture, source, hole in zip(made, sources, holes, strict=True)
    ]
    findings = [
        share("the hole has the colour asked for", colour, target=INPAINTED),
        share("the hole has the shape asked for", shape, target=INPAINTED),
        share("both", [c and s for c, s in zip(colour, shape, strict=True)]),
        Finding("largest change outside", max(changed), len(changed), "levels", target=0.0, at_most=True),
    ]
    remark = (
        "A box around one thing, of one or of two, and words for another thing in it. Outside is what lies beyond the "
        f"{LEAST_FEATHER} pixels of the feathered edge."
    )
    return Section("Inpainting", remark, findings)


def _in_hole(seen: Seen, hole: Pixels) -> Blob | None:
    """The largest thing whose middle lies in the hole."""
    for blob in seen.blobs:
        x, y = (min(SIZE - 1, max(0, round(place))) for place in (blob.x, blob.y))
        if hole[y, x]:
            return blob
    return None


def enlarging(bench: Bench, net: Net) -> Section:
    """Decibels over bicubic on pictures whose large original is known."""
    shown = scenes(5, "single", bench.count - bench.count // 2) + scenes(5, "pair", bench.count // 2)
    large = [np.asarray(draw(scene, LARGE)) for scene in shown]
    factor = 4 if net == "x4" else 2
    small = [_smaller(picture, factor) for picture in large]
    findings: list[Finding] = []
    for case, sources in (
        ("clean", small),
        ("worn", [_worn(picture, random.Random(scene.seed)) for picture, scene in zip(small, shown, strict=True)]),
    ):
        findings += _decibels(bench, net, case, sources, large, shown, refine=False)
    if net == "flash_x2":
        findings += _decibels(bench, net, "clean, drawn over by Flash", small, large, shown, refine=True)
    remark = (
        f"Pictures of {SIZE * LARGE} pixels made {factor} times smaller by area, then enlarged; worn ones are blurred "
        "and recompressed in between."
    )
    return Section(f"Enlarging ({net})", remark, findings)


def _decibels(
    bench: Bench, net: Net, case: str, sources: list[Pixels], large: list[Pixels], shown: list[Scene], *, refine: bool
) -> list[Finding]:
    requests = [
        Upscale(kind=net, image=bench.studio.put(source), seeds=(scene.seed,), refine=refine)
        for source, scene in zip(sources, shown, strict=True)
    ]
    made = [picture for (picture,) in bench.studio.draw(requests)]
    bench.keep(f"{net}_{case.replace(' ', '_')}", [_bicubic(source, 2 * SIZE) for source in sources], made, large)
    ours = [psnr(picture, true) for picture, true in zip(made, large, strict=True)]
    plain = [psnr(_bicubic(source, len(true)), true) for source, true in zip(sources, large, strict=True)]
    gains = [a - b for a, b in zip(ours, plain, strict=True)]
    beside = f"{sum(ours) / len(ours):.1f} against {sum(plain) / len(plain):.1f} dB"
    return [
        mean(f"{case}: above bicubic", gains, "dB", target=None if refine else DECIBELS, beside=beside),
        share(f"{case}: better than bicubic", [gain > 0 for gain in gains]),
    ]


def _smaller(picture: Pixels, factor: int) -> Pixels:
    side = len(picture) // factor
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))


def _bicubic(picture: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def _worn(picture: Pixels, rng: random.Random) -> Pixels:
    """Blurred a little and recompressed, as a picture that was forwarded once."""
    buffer = io.BytesIO()
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.8)))
    soft.save(buffer, "JPEG", quality=rng.randint(70, 95))
    return np.asarray(Image.open(buffer).convert("RGB"))


def drawing_over(bench: Bench) -> Section:
    """Whether the full model keeps what a Flash draft shows."""
    asked = _asked(bench, bench.count, ("single",))
    drafts = [
        picture
        for (picture,) in bench.studio.draw(
            [FlashTextToImage(prompt=question.prompt, seeds=(question.seed,), **bench.size) for question in asked]
        )
    ]
    before = [look(draft) for draft in drafts]
    findings: list[Finding] = []
    for degree, strength in STRENGTHS.items():
        requests = [
            Refine(
                prompt=question.prompt,
                image=bench.studio.put(draft),
                strength=strength,
                seeds=(question.seed + 1,),
                steps=min(bench.steps, REFINE_STEPS),
                **bench.size,
            )
            for question, draft in zip(asked, drafts, strict=True)
        ]
        made = [picture for (picture,) in bench.studio.draw(requests)]
        bench.keep(f"refine_{degree}", drafts, made)
        after = [look(picture) for picture in made]
        for name in ("colour", "shape"):
            same = [_same(a, b, name) for a, b in zip(before, after, strict=True)]
            findings.append(share(f"{degree} ({strength:g}): keeps the {name}", same))
        right = [
            [alike(seen, question.scene)["shape"] for seen, question in zip(state, asked, strict=True)]
            for state in (before, after)
        ]
        drafted = f"draft: {100 * sum(right[0]) / len(right[0]):.0f} %"
        findings.append(share(f"{degree} ({strength:g}): the shape asked for", right[1], beside=drafted))
    return Section("Drawing over a Flash draft", "What the checker sees before and after.", findings)


def _same(before: Seen, after: Seen, name: str) -> bool:
    if not before.blobs or not after.blobs:
        return before.blobs == after.blobs
    return bool(getattr(before.blobs[0], name) == getattr(after.blobs[0], name))


def ranking(bench: Bench) -> Section:
    """Whether the picture that the ranker puts first is better than the average of eight."""
    asked = _asked(bench, bench.count, ("single", "count", "pair"))
    requests = [
        FlashTextToImage(prompt=question.prompt, seeds=tuple(question.seed + i for i in range(EIGHT)), **bench.size)
        for question in asked
    ]
    judge = bench.judge()
    average, first, whole, first_whole = [], [], [], []
    for question, made in zip(asked, bench.studio.draw(requests), strict=True):
        found = [list(marks(question.scene, look(picture)).values()) for picture in made]
        marked = [sum(one) / len(one) for one in found]
        best = int(judge.score(tensors(made), question.prompt).argmax())
        average.append(100 * sum(marked) / EIGHT)
        first.append(100 * marked[best])
        whole += [all(one) for one in found]
        first_whole.append(all(found[best]))
    gains = [a - b for a, b in zip(first, average, strict=True)]
    differ = [gain for gain in gains if gain]
    marked_mean = f"{sum(first) / len(first):.1f} against {sum(average) / len(average):.1f} %"
    findings = [
        mean("mark of the first above the mean of eight", gains, "points", target=0.1, beside=marked_mean),
        share("the first is wholly right", first_whole, beside=f"of all: {100 * sum(whole) / len(whole):.0f} %"),
        _own_sentence(bench),
    ]
    if differ:
        findings.insert(1, share("where they differ the first is above the mean", [gain > 0 for gain in differ]))
    remark = "Eight Flash pictures of a sentence; the mark is the share of measured properties that are right."
    return Section("The ranker's first of eight", remark, findings)


def _own_sentence(bench: Bench) -> Finding:
    """How well the ranker itself reads: true pictures, their own sentence among those of seven others."""
    shown = [scene for kind in ("single", "count", "pair") for scene in scenes(6, kind, max(3, bench.count))]
    judge = bench.judge()
    seen = judge.see(tensors([painted(scene) for scene in shown]))
    read = judge.read([sentence(scene, i) for i, scene in enumerate(shown)])
    return share("true pictures: their own sentence beats seven others", picked(seen @ read.T))


def picked(scores: object) -> list[bool]:
    """Whether each picture's own sentence scores above the seven that follow it in [pictures, sentences]."""
    table = np.asarray(scores)
    n = len(table)
    others = min(EIGHT, n)
    return [bool(table[i, i] >= max(table[i, (i + k) % n] for k in range(others))) for i in range(n)]


def _asked(bench: Bench, count: int, kinds: tuple[str, ...]) -> list[Question]:
    each = max(1, count // (len(kinds) * len(LANGUAGES)))
    return [q for kind in kinds for language in LANGUAGES for q in bench.examiner.questions(kind, language, each)]
