"""What the checkpoints in use say of themselves."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from inference.requests.base import Request
from inference.requests.fields import MAX_PICTURES, Contract, passes_over
from inference.requests.registry import REQUESTS, Kind


class Texts(Contract):
    """The same text in the two languages of the house."""

    ru: str
    en: str


class WordLists(Contract):
    ru: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


class Ability(Contract):
    """What one kind of request may be asked for.

    `sizes` maps an aspect ratio ("16:9") to pixels, `native_size` is the one that the net is at its best with;
    `languages` are those in which it reads words; one request may be for `most_pictures`.
    """

    native_size: tuple[int, int] = (1024, 1024)
    sizes: dict[str, tuple[int, int]] = Field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    most_pictures: Annotated[int, Field(ge=1, le=MAX_PICTURES)] = MAX_PICTURES

    def size_for(self, width: float, height: float) -> tuple[int, int]:
        """The offered size (width, height) whose aspect ratio is nearest to width:height on a log scale."""
        wanted = math.log(width / height)
        offered = self.sizes.values() or (self.native_size,)
        return min(offered, key=lambda size: abs(math.log(size[0] / size[1]) - wanted))


class ModelCard(Contract):
    """What the checkpoints in use say of themselves, each kind of request apart.

    `styles` are the words for each style that it paints, by the name of the style; without any it takes whatever is
    described, or, in a small world, paints none. `vocabulary` and `lexicon` are given only by checkpoints that know a
    small world: the words to tell a person, and every word form they understand. `refines` says whether Flash draws
    finer detail than it finds in an enlarged picture; where not, enlarging by it is better without.
    """

    label: Texts
    abilities: dict[Kind, Ability]
    missing: dict[str, str] = Field(default_factory=dict, description="kind -> what its weights lack, for the owner")
    vocabulary: WordLists | None = None
    lexicon: tuple[str, ...] = ()
    styles: dict[str, Texts] = Field(default_factory=dict)
    examples: WordLists = WordLists()
    refines: bool = True
    revisions: dict[str, str] = Field(default_factory=dict)

    @field_validator("abilities", mode="before")
    @classmethod
    def _of_known_kinds(cls, given: Any, info: ValidationInfo) -> Any:
        if isinstance(given, dict) and passes_over(info):
            return {kind: ability for kind, ability in given.items() if kind in REQUESTS}
        return given

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds for which there are weights."""
        return tuple(self.abilities)

    def of(self, kind: Kind) -> Ability:
        """What a kind may be asked for; for one without weights, what is usual."""
        return self.abilities.get(kind, Ability())

    def can(self, request: Request) -> bool:
        """Whether there are weights for everything that a request needs."""
        return self.abilities.keys() >= set(request.needs)

    @property
    def small_world(self) -> bool:
        """Whether only the words of a vocabulary mean something to it."""
        return self.vocabulary is not None

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt outside the lexicon, in order, without repeats; empty where there is no lexicon.

        A word with a hyphen is known by its parts."""
        if not self.lexicon:
            return ()
        known = set(self.lexicon)
        words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", prompt.lower().replace("ё", "е"))
        known |= {word.replace("ё", "е") for word in known}
        return tuple(word for word in dict.fromkeys(words) if not (known >= set(word.split("-")) or word.isdigit()))
