"""What somebody wants drawn, said in the accusative ("красную звезду"), as a caption says it: "красная звезда"."""

from __future__ import annotations

import re
from collections.abc import Collection

# Of what is alive the accusative is no word form of its own, so that it cannot be told by its ending.
_ALIVE = {"кота": "кот", "котика": "котик", "котенка": "котенок"}
_OF_NOUNS = (("у", "а"), ("ю", "я"))
_OF_ADJECTIVES = (("ую", "ая"), ("юю", "яя"))
_OF_THE_LIVING = (("ого", "ый"), ("ого", "ой"), ("ого", "ий"), ("его", "ий"))


def nominative(words: str, known: Collection[str]) -> str:
    """The same with the things it begins with in the nominative, as far as that is a word that is `known`.

    These are adjectives and a noun, and more of them after a comma or an "и"; from the next word on it is left alone.
    """
    plain = {word.replace("ё", "е"): word for word in known}
    said = re.split(r"(\s+)", words)
    changed = list(said)
    for place in range(0, len(said), 2):
        word = said[place]
        if word.lower() == "и":
            continue
        bare = word.rstrip(",")
        noun = _known(bare, _OF_NOUNS, plain) or _alive(bare, plain)
        adjective = _known(bare, _OF_ADJECTIVES, plain) or _agreeing(bare, said[place + 1 :], plain)
        if not noun and not adjective:
            break
        changed[place] = (noun or adjective) + word[len(bare) :]
        following = said[place + 2].lower() if place + 2 < len(said) else ""
        if noun and not word.endswith(",") and following != "и":
            break
    return "".join(changed)


def _known(word: str, endings: Collection[tuple[str, str]], plain: dict[str, str]) -> str:
    for ending, nominative in endings:
        if word.lower().endswith(ending):
            found = plain.get(_flat(word[: -len(ending)] + nominative))
            if found is not None:
                return found if word[:1].islower() else found.capitalize()
    return ""


def _alive(word: str, plain: dict[str, str]) -> str:
    return plain.get(_ALIVE.get(_flat(word), ""), "")


def _agreeing(word: str, after: list[str], plain: dict[str, str]) -> str:
    """The nominative of an adjective before something alive."""
    following = [one.rstrip(",") for one in after if one.strip()]
    nouns = (one for one in following[:3] if not _flat(one).endswith(("ого", "его")))
    return _known(word, _OF_THE_LIVING, plain) if _alive(next(nouns, ""), plain) else ""


def _flat(word: str) -> str:
    return word.lower().replace("ё", "е")
