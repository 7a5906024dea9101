"""How people ask: every sentence can be made, names what is true, and no two ways of asking look alike for long."""

import os
import random
import re
import subprocess
import sys

import pytest

from inference.families.kandinsky.pipelines.adapted import FILLER
from inference.nano.lexicon import lexicon
from inference.nano.meaning import UNKNOWN, contrasting, plain_caption, settled
from inference.nano.speech.asking import MISSPELT, alike, ask, sentences
from inference.nano.speech.english import WORDS as ENGLISH
from inference.nano.speech.grammar import expand, misspelt, words
from inference.nano.speech.russian import WORDS as RUSSIAN
from inference.nano.speech.russian import Spoken, counted, nouns
from inference.nano.speech.strange import nonsense
from inference.nano.world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, Scene, Thing, goes_with, sample_scene


def asked(language, count=400, kind=None):
    for seed in range(count):
        scene = sample_scene(seed, kind)
        if scene.kind != "abstract":
            yield scene, *ask(scene, language, random.Random(seed))


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_sentence_names_only_what_is_true_of_its_scene(language):
    for scene, said, named in asked(language):
        assert said and not re.search(r"[{}|()\[\]]{2}|[{}|]|  ", said), said
        assert named["kind"] == scene.kind and named["shape1"] == scene.things[0].shape
        assert named.get("background", scene.background) == scene.background
        assert named.get("colour1", scene.things[0].colour) == scene.things[0].colour
        assert named.get("position", scene.position) == scene.position
        assert named.get("size", scene.size) == scene.size


@pytest.mark.parametrize("language", ["ru", "en"])
def test_hardly_two_sentences_about_one_scene_are_alike(language):
    scene = Scene("single", 1, (Thing("cat", "black"),), background="yellow")
    said = [ask(scene, language, random.Random(seed))[0] for seed in range(300)]
    assert len(set(said)) > 285


def test_every_language_has_words_for_all_there_is() -> None:
    for table in (RUSSIAN, ENGLISH):
        assert table["nouns"].keys() == set(SHAPES) and table["colours"].keys() == set(COLOURS)
        assert table["places"].keys() == set(POSITIONS) and table["sizes"].keys() == set(SIZES)
        assert set(table["scenes"]["at"]) == set(table["scenes"]["noun"]) == set(BACKGROUNDS) - set(COLOURS)


def test_every_turn_of_speech_of_the_tables_can_be_filled_in() -> None:
    rng = random.Random(0)
    for table in (words("russian"), words("english")):
        for name in (
            "grounds",
            "scene_grounds",
            "before",
            "beside",
            "above",
            "courtesies",
            "endings",
            "wishes",
            "frames",
            "behind",
            "both",
            "afterwards",
            "in_order",
            "asides",
        ):
            for template in table[name]:
                left = re.sub(r"\{[a-z0-9:_]*\}", "", expand(rng, template))
                assert not set(left) & set("{}|[]"), template


@pytest.mark.parametrize(
    ("shape", "colour", "case", "said"),
    [
        ("cat", ("чёрн", "hard"), "acc", "чёрного кота"),
        ("fish", ("син", "soft"), "gen", "синей рыбы"),
        ("sun", ("золот", "stressed"), "ins", "золотым солнцем"),
    ],
)
def test_things_agree_in_every_case(shape, colour, case, said):
    assert format(Spoken(nouns(shape)[0], "", colour, ()), case) == said


def test_a_fir_keeps_its_accusative() -> None:
    (fir,) = [noun for noun in nouns("tree") if noun.nom == "ель"]
    assert fir.acc == "ель"


def test_two_and_three_take_the_forms_that_belong_to_them() -> None:
    said = {counted(random.Random(seed), Thing("fish", "blue"), 2, "nom", True) for seed in range(400)}
    assert any("две синие рыбы" in one for one in said)
    assert not any(re.search(r"\bдва (\w+ )?рыб|\bдве (\w+ )?кар", one) for one in said)
    asked_for = {counted(random.Random(seed), Thing("cat", "black"), 3, "acc", True) for seed in range(400)}
    assert any(one.startswith("трёх чёрных ") for one in asked_for)


def test_an_unsaid_ground_is_one_on_which_everything_stands_out() -> None:
    for first in COLOURS:
        for second in COLOURS:
            ground = contrasting([first, second])
            assert goes_with(first, ground) and goes_with(second, ground)
    assert contrasting(["yellow"]) != "white" != contrasting(["white"])
    assert settled({"kind": "single", "shape1": "heart", "colour1": "red"})["background"] == "white"
    assert settled({"kind": "single", "shape1": "heart", "background": "sea"})["background"] == "sea"


@pytest.mark.parametrize(
    ("named", "caption"),
    [
        (
            {"kind": "single", "shape1": "star", "colour1": "orange", "size": "small", "background": "light blue"},
            "a small orange star on a light blue background",
        ),
        ({"kind": "count", "shape1": "fish", "count": "3", "background": "sea"}, "three fish at sea"),
        ({"kind": "count", "shape1": "cross", "colour1": "red", "count": "2"}, "two red crosses"),
        (
            {
                "kind": "pair",
                "shape1": "sun",
                "shape2": "cat",
                "colour2": "black",
                "pairing": "above",
                "style": "lines",
            },
            "a sun above a black cat, line drawing",
        ),
        (
            {"kind": "single", "shape1": "ring", "position": "left", "background": "night"},
            "a ring in space on the left",
        ),
        ({}, UNKNOWN),
    ],
)
def test_plain_captions(named, caption):
    assert plain_caption(named) == caption


def test_sentences_come_with_what_they_mean() -> None:
    said, meant, named = sentences(0, 300)
    assert len(said) == len(meant) == len(named) == 300
    assert all("background" in n for n in named if n.get("kind", "abstract") != "abstract")
    assert FILLER in {a for a, n in zip(said, named, strict=True) if not n} <= {"", FILLER}, "they mean themselves"
    assert (said, meant, named) == sentences(0, 300)
    assert sum(a == b for a, b in zip(said, meant, strict=True)) < 90


@pytest.mark.parametrize(
    ("shape", "nom", "prep"),
    [("star", "звезда", "звезде"), ("flower", "лилия", "лилии"), ("tree", "ель", "ели"), ("cat", "котя", "коте"),
     ("boat", "корабль", "корабле"), ("heart", "сердце", "сердце"), ("flower", "цветок", "цветке"),
     ("boat", "ладья", "ладье")],
)  # fmt: skip
def test_things_stand_on_one_another_in_the_prepositional(shape, nom, prep):
    (noun,) = [noun for noun in nouns(shape) if noun.nom == nom]
    said = format(Spoken(noun, "", ("син", "soft"), ()), "prep")
    assert said == ("синей " if noun.gender == "f" else "синем ") + prep


@pytest.mark.parametrize("language", ["ru", "en"])
def test_one_colour_of_two_things_is_mostly_said_once(language):
    scene = alike(Scene("pair", 1, (Thing("cat", "black"), Thing("star", "red")), background="yellow"))
    assert scene.things == (Thing("cat", "black"), Thing("star", "black"))
    said = [ask(scene, language, random.Random(seed)) for seed in range(300)]
    both = [text for text, named in said if {"colour1", "colour2"} <= named.keys()]
    once = [text for text in both if len(re.findall("чёрн|black", text.lower())) == 1]
    assert 0.3 < len(once) / len(both) < 0.95
    same = Scene("pair", 1, (Thing("cat", "black"), Thing("cat", "red")))
    assert alike(same) == same, "or it would be the same thing twice"


def test_colours_told_afterwards_are_those_of_their_things() -> None:
    scene = Scene("pair", 1, (Thing("ring", "grey"), Thing("heart", "white")), background="sea")
    said = [ask(scene, "en", random.Random(seed))[0].lower() for seed in range(1500)]
    told = [text for text in said if "the heart is white" in text]
    assert told and not any("the ring is white" in text or "the heart is grey" in text for text in told)


def test_what_is_hard_to_say_is_said_often_enough_and_nothing_is_forgotten() -> None:
    named = [n for n in sentences(50_000, 4000)[2] if n]
    kinds = {kind: sum(n["kind"] == kind for n in named) / len(named) for kind in ("single", "count", "pair")}
    assert 0.3 < kinds["single"] < 0.45 and kinds["count"] > 0.1 and 0.35 < kinds["pair"] < 0.5
    placed = [n["position"] for n in named if n["kind"] == "single" and "position" in n]
    assert all(placed.count(place) / len(placed) > 0.08 for place in POSITIONS)


def test_a_seed_gives_the_same_typing_errors_in_every_process() -> None:
    line = "белое сердце, green tree"
    program = f"""
import random
from inference.nano.speech.grammar import misspelt
print([misspelt(random.Random(seed), {line!r}, "x") for seed in range(300)])
"""
    here = [misspelt(random.Random(seed), line, "x") for seed in range(300)]
    assert {"балое", "билое", "бэлое"} & {text.split()[0] for text in here} == {"билое", "бэлое"}
    for hashing in "12":
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hashing, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=True,
        )
        assert ended.stdout.strip() == str(here)


def test_a_typing_error_changes_one_word_and_no_short_one() -> None:
    rng = random.Random(3)
    for _ in range(200):
        wrong = misspelt(rng, "red star on a blue sea", "abc").split(" ")
        changed = [a for a, b in zip(wrong, ["red", "star", "on", "a", "blue", "sea"], strict=True) if a != b]
        assert len(changed) <= 1 and not set(changed) & {"red", "on", "a", "sea"}
    assert misspelt(rng, "a b c", "abc") == "a b c"
    assert 0 < MISSPELT < 0.5


def test_what_the_world_has_not_is_asked_for_in_both_languages() -> None:
    for language, letters in (("ru", "а-яё"), ("en", "a-z")):
        said = {nonsense(language, random.Random(seed)) for seed in range(100)}
        assert len(said) > 60
        assert all(re.fullmatch(rf"[{letters} ]+", one) for one in said)


def test_the_lexicon_holds_what_people_say_and_not_what_means_nothing() -> None:
    known = set(lexicon(500))
    assert known >= {"красненького", "котёночка", "backdrop", "crimson", "пожалуйста", "thanks", "тёмно", "лужайке"}
    assert not known & {"дракон", "dragon", "fluffy", "здоровенн", "hard", "4k"}
