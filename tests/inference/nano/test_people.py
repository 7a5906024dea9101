"""Whether a picture shows what a person said is told aspect by aspect, and only of what was said."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nano_people import SENTENCES, _spread
from inference.nano.checker import look
from inference.nano.drawing import draw
from inference.nano.people import Saying, sayings, verdict
from inference.nano.speech.asking import sentences
from inference.nano.world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, Scene, Thing, goes_with


def saying(kind, *things, **more) -> Saying:
    says = {"kind": kind, "things": [{"shape": shape, "colour": colour} for shape, colour in things]}
    nothing = dict.fromkeys(("count", "pairing", "background", "position", "size", "style"))
    return Saying("…", "en", nothing | says | more)


def shown(kind, *things, **more):
    scene = Scene(kind, 11, tuple(Thing(*thing) for thing in things), **more)
    return look(np.asarray(draw(scene)))


PAIR = shown("pair", ("cat", "black"), ("star", "red"), background="yellow")
ONE = shown("single", ("heart", "red"), background="sea", position="left", size="small")
TWO = shown("count", ("fish", "orange"), count=2, background="white")


@pytest.mark.parametrize(
    ("said", "seen", "wrong"),
    [
        (saying("single", ("heart", "red"), background="sea", position="left", size="small"), ONE, set()),
        (saying("single", ("heart", None)), ONE, set()),
        (saying("single", ("heart", "blue"), background="night"), ONE, {"ground", "colour"}),
        (saying("single", ("star", "red"), position="right", size="large"), ONE, {"shape", "position", "size"}),
        (saying("count", ("fish", "orange"), count=2), TWO, set()),
        (saying("count", ("fish", "orange"), count=3, background="white"), TWO, {"count"}),
        (saying("single", ("fish", "orange")), TWO, {"count"}),
        (saying("pair", ("cat", "black"), ("star", None), pairing="beside"), PAIR, set()),
        (saying("pair", ("star", None), ("cat", None), pairing="beside"), PAIR, {"order", "shape"}),
        (saying("pair", ("cat", "red"), ("ring", "red"), pairing="beside"), PAIR, {"shape", "colour"}),
    ],
)
def test_only_what_is_said_is_judged(said, seen, wrong):
    found = verdict(said, seen)
    assert {aspect for aspect, right in found.items() if not right} == wrong


def test_nothing_in_the_picture_is_right_in_nothing_but_its_ground() -> None:
    empty = look(np.asarray(draw(Scene("single", 1, (Thing("cat", "black"),), background="green"), empty=True)))
    assert verdict(saying("single", ("cat", "black"), background="green"), empty) == {
        "ground": True, "count": False, "shape": False, "colour": False,
    }  # fmt: skip


def test_the_sentences_of_the_benchmark_say_what_can_be_drawn() -> None:
    known = sayings(SENTENCES)
    assert Counter(one.language for one in known) == {"ru": 100, "en": 100}
    assert len({one.text for one in known}) == len(known)
    for one in known:
        says = one.says
        assert says["background"] in {None, *BACKGROUNDS} and says["position"] in {None, *POSITIONS}
        assert says["size"] in {None, *SIZES} and len(says["things"]) == 1 + (says["kind"] == "pair")
        for thing in says["things"]:
            assert thing["shape"] in SHAPES and thing["colour"] in {None, *COLOURS}
            if thing["colour"] and says["background"]:
                assert goes_with(thing["colour"], says["background"]), one.text


@pytest.mark.parametrize("count", [4, 50, 95, 96, 200])
def test_a_short_run_asks_from_all_over(count: int) -> None:
    known = [one for one in sayings(SENTENCES) if one.readable and one.language == "ru"]
    asked = _spread(known, count)
    assert len(asked) <= count and (count < len(known) or asked == known)
    shares = [Counter(one.says["kind"] for one in some) for some in (asked, known)]
    for kind, number in shares[1].items():
        assert abs(shares[0][kind] - number * len(asked) / len(known)) < 1.5, kind


def test_hardly_a_sentence_of_the_benchmark_could_come_from_the_grammar() -> None:
    made = {line.lower() for line in sentences(0, 5000)[0]}
    asked = [json.loads(line)["text"].lower() for line in Path(SENTENCES).read_text("utf-8").splitlines()]
    assert sum(text in made for text in asked) <= 2
