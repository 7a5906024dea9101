"""Do pictures show what people ask for, in the words that people use?

`people.jsonl` holds two hundred sentences, half of them Russian, by somebody who knew what the world has and had seen
neither captions nor the grammar that reading was learnt from; no net has met them.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from benchmarks.nano_bench import Bench
from benchmarks.nano_report import Finding, Section, share
from inference.nano.captions import LANGUAGES
from inference.nano.checker import look
from inference.nano.evaluate import MODES
from inference.nano.people import ASPECTS, Saying, sayings, verdict
from inference.nano.studio import Pixels
from inference.requests import AnyRequest, FlashTextToImage, TextToImage

SENTENCES = Path(__file__).with_name("people.jsonl")
PICTURES = 2  # of every sentence
WANTED = 90.0
KINDS = {"single": "one thing", "count": "two or three", "pair": "a pair"}


def people(bench: Bench) -> Section:
    """Pictures from what people say, by both modes."""
    known = sayings(SENTENCES)
    readable = [[one for one in known if one.readable and one.language == language] for language in LANGUAGES]
    asked = [one for of_language in readable for one in _spread(of_language, bench.prompts)]
    findings: list[Finding] = []
    lines = ["| | " + " | ".join(ASPECTS) + " |", "|---" * (len(ASPECTS) + 1) + "|"]
    for mode in MODES:
        drawn = bench.studio.draw([_request(bench, mode, number, saying) for number, saying in enumerate(asked)])
        bench.keep(f"people_{mode}", [pictures[0] for pictures in drawn])
        right, seen = _judged(asked, drawn)
        shares = (f"{sum(seen[a]) / len(seen[a]):.2f}" if seen[a] else "–" for a in ASPECTS)
        lines.append(f"| {mode} | " + " | ".join(shares) + " |")
        findings.append(share(f"{mode}: right in all that is said", right["all"], target=WANTED))
        findings += [share(f"{mode}: {language}", right[language]) for language in LANGUAGES]
        findings += [share(f"{mode}: {title}", right[kind]) for kind, title in KINDS.items() if right[kind]]
    remark = (
        f"{len(asked)} sentences of {len(known)}, {PICTURES} pictures of each; those in a style are left "
        f"out, since the checker reads flat pictures. Base in {bench.steps} steps at guidance 3, Flash in four. What a "
        "sentence leaves open is not measured. A picture counts as right only where everything is."
    )
    return Section("What people say", remark, findings, "\n".join(lines))


def _spread(known: list[Saying], count: int) -> list[Saying]:
    """So many of them at most, from all over: they lie by kind, and a short run sees every kind too."""
    return known[:: -(-len(known) // count)]


def _request(bench: Bench, mode: str, number: int, saying: Saying) -> AnyRequest:
    said = {"prompt": saying.text, "seeds": tuple(range(1000 * number, 1000 * number + PICTURES)), **bench.size}
    return FlashTextToImage(**said) if mode == "flash" else TextToImage(**said, steps=bench.steps, guidance_scale=3.0)


def _judged(asked: list[Saying], drawn: list[list[Pixels]]) -> tuple[dict[str, list[bool]], dict[str, list[bool]]]:
    """Whether all was right, by language and kind and for "all"; and what was right by aspect."""
    right, seen = defaultdict[str, list[bool]](list), defaultdict[str, list[bool]](list)
    for saying, pictures in zip(asked, drawn, strict=True):
        for picture in pictures:
            found = verdict(saying, look(picture))
            for aspect, held in found.items():
                seen[aspect].append(held)
            for group in ("all", saying.language, saying.says["kind"]):
                right[group].append(all(found.values()))
    return right, seen
