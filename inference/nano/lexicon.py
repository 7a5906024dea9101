"""Every word that says something to the small model, or that it has learnt to pass over as a courtesy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

from inference.nano.captions import captions
from inference.nano.speech.english import WORDS as ENGLISH
from inference.nano.speech.russian import WORDS as RUSSIAN
from inference.nano.speech.russian import adjective, nouns
from inference.nano.words import CASES, inflect
from inference.nano.world import SHAPES, sample_scene

MEANINGLESS = {"fillers", "endings", "strange", "asides"}  # tables left out
INFLECTED = ("colours", "sizes")  # adjectives in Russian


@cache
def lexicon(scenes: int = 20_000) -> tuple[str, ...]:
    """Lower-case word forms of both languages, sorted: of captions and of what people say, typing errors aside."""
    lines = chain.from_iterable(captions(sample_scene(seed), 4) for seed in range(scenes))
    strange = {thing for table in (RUSSIAN, ENGLISH) for thing in table["strange"]["things"]}
    known = {word for line in chain(lines, _said()) for word in re.findall(r"[^\W_]+", line.lower())}
    return tuple(sorted(known - strange))


def _said() -> Iterator[str]:
    yield from (entry.replace("/", " ") for known in ENGLISH["nouns"].values() for entry in known)
    for noun in chain.from_iterable(map(nouns, SHAPES)):
        yield " ".join((noun.nom, noun.gen, noun.acc, noun.ins, noun.plural, noun.many))
    for table, in_forms in ((RUSSIAN, {"nouns", *INFLECTED}), (ENGLISH, {"nouns"})):
        for text in chain.from_iterable(_texts(table[name]) for name in table.keys() - MEANINGLESS - in_forms):
            yield re.sub(r"\{[^}]*\}", " ", text)
    for entry in chain.from_iterable(RUSSIAN[name].values() for name in INFLECTED):
        yield from (inflect(adjective(one), case) for one in entry for case in CASES)


def _texts(table: Any) -> Iterator[str]:
    """All strings of a table."""
    if isinstance(table, str):
        yield table
    else:
        for part in table.values() if isinstance(table, dict) else table:
            yield from _texts(part)
