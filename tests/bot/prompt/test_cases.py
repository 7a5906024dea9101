"""What is asked for in the accusative is what a caption names in the nominative."""

from __future__ import annotations

import pytest

from bot.prompt.cases import nominative
from inference.nano.tokenizer import lexicon


@pytest.fixture(scope="module")
def known() -> tuple[str, ...]:
    return lexicon()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("звезду", "звезда"),
        ("Красную звезду на синем фоне", "Красная звезда на синем фоне"),
        ("маленькую синюю рыбу и елку, луну в космосе", "маленькая синяя рыба и ёлка, луна в космосе"),
        ("чёрного кота на лугу", "чёрный кот на лугу"),
        ("кота и кошку", "кот и кошка"),
    ],
)
def test_things_that_are_asked_for_are_named(said: str, meant: str, known: tuple[str, ...]) -> None:
    assert nominative(said, known) == meant


@pytest.mark.parametrize(
    "said",
    [
        "звезда на лугу",
        "дома у моря",  # not one house
        "красного цвета круг",
        "картина кота",
        "рисунок на синюю тему",
        "лису в лесу",  # no word of this world
        "a star at night",
        "",
    ],
)
def test_other_words_stay_as_they_are(said: str, known: tuple[str, ...]) -> None:
    assert nominative(said, known) == said
