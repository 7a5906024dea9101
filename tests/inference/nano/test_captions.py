"""Sentences about scenes: agreement in Russian, articles in English, and the truth about what is named."""

import random

import pytest

from inference.nano.captions import caption, captions
from inference.nano.lexicon import lexicon
from inference.nano.words import COLOUR_STEMS, NOUNS, SIZE_STEMS, agree, inflect
from inference.nano.world import Scene, Thing, sample_scene


def every_caption(scene, language, draws=600):
    return {caption(scene, language, random.Random(seed))[0] for seed in range(draws)}


@pytest.mark.parametrize(
    ("colour", "shape", "case", "expected"),
    [
        ("blue", "circle", "nom", "синий круг"),
        ("blue", "fish", "nom", "синяя рыба"),
        ("blue", "heart", "nom", "синее сердце"),
        ("red", "cat", "acc", "красного кота"),
        ("red", "fish", "acc", "красную рыбу"),
        ("red", "house", "acc", "красный дом"),
        ("light blue", "tree", "acc", "голубое дерево"),
        ("black", "star", "gen", "чёрной звезды"),
        ("blue", "boat", "ins", "синей лодкой"),
        ("green", "sun", "ins", "зелёным солнцем"),
    ],
)
def test_adjectives_agree_with_nouns(colour, shape, case, expected):
    noun = NOUNS[shape][0]
    assert f"{agree(COLOUR_STEMS[colour][0], noun, case)} {getattr(noun, case)}" == expected


@pytest.mark.parametrize(
    ("stem", "case", "expected"),
    [
        (COLOUR_STEMS["blue"][0], "prep", "синем"),
        (COLOUR_STEMS["light blue"][0], "m", "голубой"),
        (COLOUR_STEMS["orange"][1], "gen", "рыжего"),
        (SIZE_STEMS["small"][0], "accf", "маленькую"),
        (SIZE_STEMS["large"][0], "f", "большая"),
    ],
)
def test_difficult_endings(stem, case, expected):
    assert inflect(stem, case) == expected


def test_counts_take_the_genitive_and_the_numeral_its_gender() -> None:
    fish = Scene("count", 1, (Thing("fish", "blue"),), count=2, background="white")
    said = every_caption(fish, "ru")
    assert any("две синие рыбы" in line for line in said)
    assert not any("два" in line for line in said)
    cats = Scene("count", 1, (Thing("cat", "red"),), count=3, background="white")
    assert any("три красных кота" in line for line in every_caption(cats, "ru"))


def test_english_articles_fit_the_next_word() -> None:
    scene = Scene("single", 1, (Thing("star", "orange"),), background="orange")
    said = every_caption(scene, "en")
    assert any("an orange star" in line for line in said)
    assert not any(" a orange" in f" {line}" for line in said)


@pytest.mark.parametrize(
    ("language", "prompt", "scene"),
    [
        ("ru", "красный круг на синем фоне", Scene("single", 1, (Thing("circle", "red"),), background="blue")),
        ("en", "a red circle on a blue background", Scene("single", 1, (Thing("circle", "red"),), background="blue")),
        ("en", "a black cat in space", Scene("single", 1, (Thing("cat", "black"),), background="night")),
        ("ru", "чёрный кот в космосе", Scene("single", 1, (Thing("cat", "black"),), background="night")),
    ],
)
def test_what_newcomers_type_is_part_of_the_world(language, prompt, scene):
    assert prompt in every_caption(scene, language)


def test_a_caption_names_only_what_is_true_of_its_scene() -> None:
    for seed in range(300):
        scene, rng = sample_scene(seed), random.Random(seed)
        for language in ("ru", "en"):
            _, named = caption(scene, language, rng)
            things = [(thing.shape, thing.colour) for thing in scene.things]
            for i, (shape, colour) in enumerate(things, start=1):
                assert named.get(f"shape{i}", shape) == shape
                assert named.get(f"colour{i}", colour) == colour
            assert named.get("background", scene.background) == scene.background
            assert named.get("position", scene.position) == scene.position


def test_captions_are_deterministic_and_alternate_languages() -> None:
    lines = captions(sample_scene(3), 8)
    assert lines == captions(sample_scene(3), 8)
    assert all(
        ("а" <= line[-1] <= "я" or "а" <= line[0].lower() <= "я") == (i % 2 == 0) for i, line in enumerate(lines)
    )


def test_the_lexicon_holds_every_word_of_unseen_captions() -> None:
    known = set(lexicon(6000))
    for seed in range(70_000, 70_200):
        for line in captions(sample_scene(seed), 4):
            assert set(line.lower().replace(",", " ").replace(":", " ").split()) <= known


@pytest.mark.parametrize(
    ("language", "style", "words"),
    [
        ("ru", "watercolour", ("акварел",)),
        ("en", "watercolour", ("watercolo",)),
        ("ru", "lines", ("лини", "контур", "набросок")),
        ("en", "lines", ("line drawing", "outline", "sketch")),
    ],
)
def test_a_style_is_always_said(language, style, words):
    scene = Scene("single", 1, (Thing("cat", "red"),), style=style)
    for said in every_caption(scene, language, 100):
        assert any(word in said.lower() for word in words), said
