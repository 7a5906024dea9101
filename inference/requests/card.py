"""What the checkpoints in use say of themselves."""

from __future__ import annotations

import math
import re

from pydantic import Field

from inference.requests.base import Request
from inference.requests.fields import Contract
from inference.requests.registry import Kind


class Texts(Contract):
    """The same text in the two languages of the house."""

    ru: str
    en: str


class WordLists(Contract):
    ru: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


class ModelCard(Contract):
    """What the checkpoints in use say of themselves.

    `sizes` maps an aspect ratio ("16:9") to pixels; `languages` are those its text encoder reads. `vocabulary` and
    `lexicon` are given only by checkpoints that know a small world: the words to tell a person, and every word form
    they understand.
    """

    label: Texts
    kinds: tuple[Kind, ...]
    missing: dict[str, str] = Field(default_factory=dict, description="kind -> what its weights lack, for the owner")
    native_size: tuple[int, int] = (1024, 1024)
    sizes: dict[str, tuple[int, int]]
    languages: tuple[str, ...] = ("en",)
    vocabulary: WordLists | None = None
    lexicon: tuple[str, ...] = ()
    examples: WordLists = WordLists()
    revisions: dict[str, str] = Field(default_factory=dict)

    def can(self, request: Request) -> bool:
        """Whether there are weights for everything that a request needs."""
        return set(request.needs) <= set(self.kinds)

    def size_for(self, width: float, height: float) -> tuple[int, int]:
        """The offered size (width, height) whose aspect ratio is nearest to width:height on a log scale."""
        wanted = math.log(width / height)
        return min(self.sizes.values(), key=lambda size: abs(math.log(size[0] / size[1]) - wanted))

    @property
    def small_world(self) -> bool:
        """Whether only the words of a vocabulary mean something to it."""
        return self.vocabulary is not None

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt outside the lexicon, in order, without repeats; empty where there is no lexicon."""
        if not self.lexicon:
            return ()
        known = set(self.lexicon)
        words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", prompt.lower().replace("ё", "е"))
        known |= {word.replace("ё", "е") for word in known}
        return tuple(word for word in dict.fromkeys(words) if word not in known and not word.isdigit())
