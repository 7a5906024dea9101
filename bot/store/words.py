"""Words by which pictures are looked for: without case, endings and the dots of ё, so that лиса finds лису."""

from __future__ import annotations

import re

MOST_CHARS, MOST_WORDS, SHORTEST = 4000, 12, 3

_ENDINGS = re.compile(
    r"(?:[аяыи]ми|[оеыи]го|[оеы]му|[иы]х|[иы]м|[ауыоеи]ю|[аяоеыи][яеий]|[аяоеё][вхм]|[аеёиоуыэюяйь]|'s|e?s)$"
)


def searchable(*texts: str) -> str:
    """What is kept of the words of a picture: each after a blank."""
    return "".join(f" {word}" for word in _words(" ".join(texts)))[:MOST_CHARS]


def beginnings(asked: str) -> list[str]:
    """How words of a picture begin that are looked for, each after a blank, at most so many."""
    found = []
    for word in _words(asked)[:MOST_WORDS]:
        stem = _ENDINGS.sub("", word)
        found.append(f" {stem if len(stem) >= SHORTEST else word}")
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold().replace("ё", "е"))
