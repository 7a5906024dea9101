"""What is being put together is kept parsed; drafts of before, in which its words are a string, are read the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.jobs.compose import Composition, Remark
from bot.jobs.order import composed_from, stored
from bot.modes.extend.asking import said_of
from bot.modes.mix.mixing import Mixture
from bot.modes.repaint.composing import PARAMETERS
from bot.modes.repaint.repainting import Repaint
from bot.prompt import PromptLine, parse
from bot.prompt.stored import Said
from bot.store import Draft, Given
from inference.requests import FlashTextToImage, Look, Sheet, Source, Upscale

GIVEN = Given(source=Source(blob="a" * 64, width=64, height=64), upload_id=1)
PICTURE = GIVEN.model_dump(mode="json")
TYPED = "a garden --seed 11 —n 1"
MEANT = PromptLine("a garden", seed=11, n=1)
PARSED = {"text": TYPED, "line": {"prompt": "a garden", "seed": 11, "n": 1}}
ENLARGED = Upscale(kind="x4", image=GIVEN.source, seeds=(1000,))
ORDERED = PromptLine("", n=1, seed=1000, scale=4.0)


def draft(kind: str, body: dict[str, Any]) -> Draft:
    """As a database gives it back."""
    return Draft(1, 7, 7, None, kind, json.loads(json.dumps(body)), 0.0, None)


@dataclass(frozen=True)
class Kept:
    """A kind of draft: what stands in it but for the words, under which name they do, and how they are read."""

    rest: dict[str, Any]
    name: str
    older: str
    newer: dict[str, Any]
    read: Callable[[Draft], PromptLine]
    line: PromptLine


KINDS = {
    "mask": Kept({"given": PICTURE}, "words", TYPED, PARSED, lambda kept: Repaint.of(kept).words.line, MEANT),
    "frame": Kept({"given": PICTURE}, "words", TYPED, PARSED, lambda kept: said_of(kept).line, MEANT),
    "mix": Kept(
        {"pictures": [PICTURE], "weights": [1.0], "collecting": True}, "words", TYPED, PARSED,
        lambda kept: Mixture.of(kept).words.line, MEANT,
    ),
    "order": Kept(
        {"request": ENLARGED.model_dump(mode="json"), "remarks": [], "unknown": []}, "line",
        "--n 1 --seed 1000 --scale 4", {"prompt": "", "n": 1, "seed": 1000, "scale": 4},
        lambda kept: composed_from(kept.body).line, ORDERED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_of_a_draft_are_read_from_a_row_of_before_and_from_one_of_today(kind: str) -> None:
    kept = KINDS[kind]
    assert kept.read(draft(kind, {**kept.rest, kept.name: kept.older})) == kept.line
    assert kept.read(draft(kind, {**kept.rest, kept.name: kept.newer})) == kept.line


def test_what_was_said_of_a_mix_and_of_a_repaint_is_kept_parsed_and_as_typed() -> None:
    said = Said(text=TYPED, line=MEANT)
    mixture = Mixture((GIVEN,), (1.0,), said, collecting=True)
    assert mixture.body()["words"] == PARSED
    assert Mixture.of(draft("mix", mixture.body())) == mixture
    repaint = Repaint(given=GIVEN, words=said, own_words="a fox", cells=(1, 2))
    assert repaint.model_dump(mode="json")["words"] == PARSED
    assert Repaint.of(draft("mask", repaint.model_dump(mode="json"))) == repaint


def test_an_order_that_waits_for_a_yes_is_kept_with_its_line_parsed() -> None:
    made = Composition(ENLARGED, ORDERED, (Remark("made_smaller", "4:3"),), ("zzz",))
    assert stored(made)["line"] == {"prompt": "", "n": 1, "seed": 1000, "scale": 4.0}
    assert composed_from(draft("order", stored(made)).body) == made


def test_an_order_of_several_styles_is_kept_with_the_style_of_each_picture() -> None:
    one = FlashTextToImage(prompt="a fox", seeds=(7,))
    sheet = Sheet(of=one, looks=(Look(), Look(suffix="anime film still")))
    made = Composition(sheet, PromptLine("a fox", n=2, seed=7), styles=("default", "anime"))
    body = json.loads(json.dumps(stored(made)))
    assert composed_from(draft("order", body).body) == made
    whole = [{"prompt": "a fox", "n": 1, "seed": 7}, {"prompt": "a fox", "n": 1, "seed": 7, "style": "anime"}]
    before = {name: value for name, value in body.items() if name != "styles"} | {"lines": whole}
    assert composed_from(draft("order", before).body) == made, "as it was kept at first"


def test_a_repaint_takes_words_later_and_keeps_the_parameters_said_before_them() -> None:
    def said(text: str) -> Said:
        return Said.of(text, PARAMETERS)

    begun = Repaint(given=GIVEN, words=said("--n 2 --whole"))
    assert not begun.told
    completed = begun.saying(said("a moon --n 1"))
    assert completed.told
    assert completed.words == Said(text="a moon --n 1 --whole", line=PromptLine("a moon", n=1, whole=True))
    assert completed.saying(said("")) == completed
    changed = completed.saying(said("a star"))
    assert changed.words == said("a star"), "other words are another wish"
    assert replace(changed.words.line, prompt="a moon") == parse("a moon", PARAMETERS)
