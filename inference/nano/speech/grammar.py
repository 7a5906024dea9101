"""What both languages share: tables of words, a notation for the many ways of saying one thing, typing errors."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_GROUP = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")


@cache
def words(language: str) -> dict[str, Any]:
    """The tables of "english" or "russian"."""
    return tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))


@lru_cache(maxsize=4096)
def _next(template: str) -> re.Match[str] | None:
    return _GROUP.search(template)


def expand(rng: random.Random, template: str) -> str:
    """One reading of a template: (a|b|c) is one of its parts, [a|b] too, or nothing; groups may be nested."""
    while found := _next(template):
        chosen = rng.choice((found[1] or found[2] or "").split("|"))
        if found[2] is not None and rng.random() < 0.5:
            chosen = ""
        template = template[: found.start()] + chosen + template[found.end() :]
    return template


def one_of(rng: random.Random, templates: Sequence[str]) -> str:
    """One reading of one of the templates."""
    return expand(rng, rng.choice(templates))


def often_first(rng: random.Random, known: Sequence[str], share: float) -> str:
    """The first in a share of cases, else any."""
    return known[0] if rng.random() < share else rng.choice(known)


def shuffled(rng: random.Random, *parts: str) -> str:
    """The parts as a list with commas, in any order."""
    return ", ".join(rng.sample([part for part in parts if part], len([part for part in parts if part])))


# Letters taken for one another by ear.
BY_EAR = ("ао", "еи", "ыи", "эе", "бп", "дт", "гк", "вф", "зс", "жш", "шщ", "ьъ",
          "ei", "ae", "ou", "iy", "ck", "sz", "eu")  # fmt: skip
_EAR = {one: [pair.replace(one, "") for pair in BY_EAR if one in pair] for one in "".join(BY_EAR)}


def misspelt(rng: random.Random, text: str, alphabet: str) -> str:
    """The text with one typing error in one of its longer words: a letter lost, doubled, changed, or two swapped."""
    found = list(re.finditer(r"[^\W\d_]{4,}", text))
    if not found:
        return text
    word = rng.choice(found)
    place = rng.randrange(word.start() + 1, word.end() - 1)
    here, after = text[place], text[place + 1]
    by_ear = rng.choice(_EAR.get(here, alphabet))
    wrong = rng.choice(("", "", here * 2, rng.choice(alphabet), by_ear, by_ear, after + here))
    return text[:place] + wrong + text[place + 1 + (wrong == after + here) :]
