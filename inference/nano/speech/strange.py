"""Wishes for what the world does not have: that they are unknown is for the reading to know as well."""

from __future__ import annotations

import random

from inference.nano.speech.english import LETTERS as LATIN
from inference.nano.speech.grammar import words
from inference.nano.speech.russian import LETTERS as CYRILLIC

TABLES = {"ru": words("russian")["strange"], "en": words("english")["strange"]}
LETTERS = {"ru": CYRILLIC, "en": LATIN}


def nonsense(language: str, rng: random.Random) -> str:
    """A wish for something unknown, or letters that are no words at all."""
    table = TABLES[language]
    if rng.random() < 0.3:
        return " ".join("".join(rng.choices(LETTERS[language], k=rng.randint(1, 9))) for _ in range(rng.randint(1, 4)))
    said = [rng.choice(table["things"])]
    if rng.random() < 0.5:
        said.append(rng.choice(table["links"]))
    if rng.random() < 0.4:
        said.append(rng.choice(table["things"]))
    return " ".join(said)
