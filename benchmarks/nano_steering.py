"""Do pictures obey other pictures? Variations, mixtures, outlines."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from benchmarks.nano_bench import (
    TOLERANCE,
    Bench,
    agreement,
    alike,
    edges,
    painted,
    recoloured,
    scenes,
    sentence,
    tensors,
)
from benchmarks.nano_report import Finding, Section, mean, share
from bot.modes.vary import VARIATIONS
from inference.nano.checker import Seen, look
from inference.nano.studio import Pixels
from inference.nano.world import Scene
from inference.requests import Control, FlashMix, Mix

LEANINGS = ((0.5, 0.5), (0.8, 0.2), (0.2, 0.8))


def variation(bench: Bench) -> Section:
    """How much of a picture with a single thing comes back in its variations."""
    shown = scenes(1, "single", bench.count)
    pictures = [painted(scene) for scene in shown]
    findings: list[Finding] = []
    for degree, (scale, guidance, _spread) in VARIATIONS.items():
        for words in (True, False):
            requests = [
                Mix(
                    prompt=sentence(scene, i) if words else "",
                    images=(bench.weighed(picture),),
                    seeds=(scene.seed,),
                    image_scale=scale,
                    guidance_scale=guidance,
                    steps=bench.steps,
                    **bench.size,
                )
                for i, (scene, picture) in enumerate(zip(shown, pictures, strict=True))
            ]
            made = [picture for (picture,) in bench.studio.draw(requests)]
            bench.keep(f"variation_{degree}_{'own' if words else 'no'}_words", pictures, made)
            findings += _kept(f"{degree}, {'its own' if words else 'no'} words", made, shown)
    quick = [
        FlashMix(prompt="", images=(bench.weighed(picture),), seeds=(scene.seed,), **bench.size)
        for scene, picture in zip(shown, pictures, strict=True)
    ]
    made = [picture for (picture,) in bench.studio.draw(quick)]
    bench.keep("variation_flash", pictures, made)
    findings += _kept("Flash, no words", made, shown)
    remark = (
        "Share of variations with the source's colour, shape and ground; beside it the share that another source has."
    )
    return Section("Variations of a picture", remark, findings)


def _kept(case: str, made: Sequence[Pixels], shown: Sequence[Scene]) -> list[Finding]:
    seen = [look(picture) for picture in made]
    own = [alike(one, scene) for one, scene in zip(seen, shown, strict=True)]
    strange = [alike(one, scene) for one, scene in zip(seen, [*shown[1:], shown[0]], strict=True)]
    return [
        share(f"{case}: {name}", [it[name] for it in own], beside=_percent([it[name] for it in strange]))
        for name in ("colour", "shape", "ground")
    ]


def mixture(bench: Bench) -> Section:
    """Whether a mixture of two pictures has something of both, and follows the weights."""
    couples = _couples(bench.count)
    sources = [(painted(a), painted(b)) for a, b in couples]
    made: dict[tuple[float, float], list[Pixels]] = {}
    for weights in LEANINGS:
        requests = [
            Mix(
                prompt="",
                images=tuple(bench.weighed(picture, weight) for picture, weight in zip(both, weights, strict=True)),
                seeds=(a.seed,),
                steps=bench.steps,
                **bench.size,
            )
            for (a, _), both in zip(couples, sources, strict=True)
        ]
        made[weights] = [picture for (picture,) in bench.studio.draw(requests)]
    first, second = ([both[i] for both in sources] for i in (0, 1))
    bench.keep("mixture", first, made[LEANINGS[1]], made[LEANINGS[0]], made[LEANINGS[2]], second)
    halves = [look(picture) for picture in made[LEANINGS[0]]]
    findings = [
        share("0.5 / 0.5 has something of both", [_of_both(s, *c) for s, c in zip(halves, couples, strict=True)]),
        share("0.5 / 0.5 has something of either", [_of_either(s, *c) for s, c in zip(halves, couples, strict=True)]),
        *_by_likeness(bench, sources, made),
        *_by_attributes(couples, made),
    ]
    remark = (
        "Two pictures of single things that share neither colour nor shape nor ground, no words. Likeness is the "
        "cosine of CLIP's image embeddings."
    )
    return Section("Mixtures of two pictures", remark, findings)


def _couples(count: int) -> list[tuple[Scene, Scene]]:
    """Scenes two by two that have nothing in common."""
    found: list[tuple[Scene, Scene]] = []
    for a, b in pairwise(scenes(2, "single", 4 * count + 4)):
        (one,), (other,) = a.things, b.things
        if one.shape != other.shape and one.colour != other.colour and a.background != b.background:
            found.append((a, b))
    return found[:count]


def _of_both(seen: Seen, a: Scene, b: Scene) -> bool:
    return any(alike(seen, a).values()) and any(alike(seen, b).values())


def _of_either(seen: Seen, a: Scene, b: Scene) -> bool:
    return any(alike(seen, a).values()) or any(alike(seen, b).values())


def _by_likeness(
    bench: Bench, sources: Sequence[tuple[Pixels, Pixels]], made: dict[tuple[float, float], list[Pixels]]
) -> list[Finding]:
    judge = bench.judge()
    first, second = (judge.see(tensors([both[i] for both in sources])) for i in (0, 1))
    likeness = {
        weights: ((seen := judge.see(tensors(pictures))) @ first.T, seen @ second.T)
        for weights, pictures in made.items()
    }
    n = range(len(sources))
    to_a, to_b = likeness[LEANINGS[0]]
    others = [[j for j in n if abs(i - j) > 1] or [(i + 1) % len(n)] for i in n]  # neighbours share a source
    like_both = [
        bool(min(to_a[i, i], to_b[i, i]) > (to_a[i, others[i]].mean() + to_b[i, others[i]].mean()) / 2) for i in n
    ]
    lean = {weights: [float(a[i, i] - b[i, i]) for i in n] for weights, (a, b) in likeness.items()}
    to_first, to_second = lean[LEANINGS[1]], lean[LEANINGS[2]]
    return [
        share("0.5 / 0.5 is more like each source than like strangers", like_both),
        share("0.8 / 0.2 is nearer to the first than 0.2 / 0.8 is", [to_first[i] > to_second[i] for i in n]),
        share(
            "0.8 / 0.2 is nearest to the first, 0.2 / 0.8 to the second", [to_first[i] > 0 > to_second[i] for i in n]
        ),
    ]


def _by_attributes(
    couples: Sequence[tuple[Scene, Scene]], made: dict[tuple[float, float], list[Pixels]]
) -> list[Finding]:
    """How many of colour, shape and ground the heavier source gives, beside what the lighter one does."""
    heavier: list[bool] = []
    lighter: list[bool] = []
    for weights, strong in ((LEANINGS[1], 0), (LEANINGS[2], 1)):
        for picture, couple in zip(made[weights], couples, strict=True):
            seen = look(picture)
            heavier += alike(seen, couple[strong]).values()
            lighter += alike(seen, couple[1 - strong]).values()
    return [share("colour, shape, ground of the source that weighs 0.8", heavier, beside=f"0.2: {_percent(lighter)}")]


def outlines(bench: Bench, kind: Literal["hed", "scribble"]) -> Section:
    """Whether edges come out where the hint has them, in the colours of the words."""
    shown = scenes(3, "single", bench.count, plain=True)
    wanted = [recoloured(scene, random.Random(scene.seed)) for scene in shown]
    sources = [painted(scene) for scene in shown]
    requests = [
        Control(
            kind=kind,
            image=bench.studio.put(source),
            prompt=sentence(scene, i),
            seeds=(scene.seed,),
            steps=bench.steps,
            **bench.size,
        )
        for i, (source, scene) in enumerate(zip(sources, wanted, strict=True))
    ]
    made = [picture for (picture,) in bench.studio.draw(requests)]
    bench.keep(kind, sources, made)
    lines, hints = [edges(picture) for picture in made], [edges(source) for source in sources]
    own = [agreement(a, b) for a, b in zip(lines, hints, strict=True)]
    strange = [agreement(a, b) for a, b in zip(lines, [*hints[1:], hints[0]], strict=True)]
    findings = [
        mean(f"edges: {name}", [100 * it[i] for it in own], "%", beside=f"another hint: {_mean(strange, i)}")
        for i, name in enumerate(("precision", "recall", "F1"))
    ]
    seen = [alike(look(picture), scene) for picture, scene in zip(made, wanted, strict=True)]
    findings += [share(f"words: {name}", [it[name] for it in seen]) for name in ("colour", "ground", "shape")]
    remark = (
        "Outlines of a picture with one thing; the words name the same thing in other colours on another ground. An "
        f"edge is right within {TOLERANCE} pixels."
    )
    return Section({"hed": "Outlines (HED)", "scribble": "Outlines (scribble)"}[kind], remark, findings)


def _mean(triples: Sequence[tuple[float, float, float]], i: int) -> str:
    return f"{100 * sum(it[i] for it in triples) / len(triples):.0f} %"


def _percent(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.0f} %"
