"""One wish drawn in several ways, to be seen side by side: the same seed each time, other words behind the wish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inference.requests.base import Request, Worded
from inference.requests.fields import MAX_PICTURES, MAX_PROMPT_CHARS, Contract, Prompt
from inference.requests.registry import AnyRequest


class Look(Contract):
    """The words of one picture: behind those of the wish, and behind what is to be avoided."""

    suffix: Prompt = ""
    negative: Prompt = ""


class Sheet(Request):
    """A request for one picture, drawn once in each of these looks.

    Each of its pictures is one of a request of its own, `alone`, and its recipe tells that request: whoever goes on
    with it need not know of the sheet.
    """

    kind: Literal["sheet"] = "sheet"
    of: AnyRequest
    looks: Annotated[tuple[Look, ...], Field(min_length=1, max_length=MAX_PICTURES)]

    @model_validator(mode="after")
    def _of_one_worded_picture(self) -> Self:
        if not isinstance(self.of, Worded) or self.of.size == (0, 0):
            raise ValueError("of must be a request for pictures that takes words")
        if len(self.of.seeds) != 1:
            raise ValueError("of must be a request for one picture")
        return self

    @property
    def seeds(self) -> tuple[int, ...]:
        """The same one for every picture."""
        return self.of.seeds * len(self.looks)

    def alone(self, tile: int) -> Request:
        """The request for one of its pictures. Words that do not fit with those of the look are cut."""
        look = self.looks[tile]
        words = {"prompt": _joined(self.of.words, look.suffix)}
        if (negative := self.of.said("negative_prompt")) is not None:
            words["negative_prompt"] = _joined(negative, look.negative)
        return self.of.model_copy(update=words)

    def only(self, tiles: Sequence[int]) -> Self:
        return self.model_copy(update={"looks": tuple(self.looks[tile] for tile in tiles)})

    def in_recipe(self, tile: int) -> tuple[Request, int]:
        return self.alone(tile), 0

    def with_seeds(self, seeds: tuple[int, ...]) -> Self:
        return self.model_copy(update={"of": self.of.with_seeds(seeds[:1])})

    def said(self, name: str) -> str | None:
        return self.of.said(name)

    def saying(self, name: str, text: str) -> Self:
        return self.model_copy(update={"of": self.of.saying(name, text)})

    @property
    def passes(self) -> int:
        return self.of.passes

    @property
    def size(self) -> tuple[int, int]:
        return self.of.size

    @property
    def pass_size(self) -> tuple[int, int]:
        return self.of.pass_size

    @property
    def windows(self) -> int:
        return self.of.windows

    @property
    def words(self) -> str:
        return self.of.words

    @property
    def sources(self) -> tuple[str, ...]:
        return self.of.sources

    @property
    def pictures(self) -> tuple[str, ...]:
        return self.of.pictures

    @property
    def needs(self) -> tuple[str, ...]:
        return self.of.needs

    @property
    def cost(self) -> float:
        return len(self.looks) * self.of.cost

    @property
    def developed(self) -> float:
        return len(self.looks) * self.of.developed

    @property
    def drawings(self) -> int:
        return len(self.looks)

    @property
    def compatibility_key(self) -> str:
        return self.of.compatibility_key


def _joined(words: str, added: str) -> str:
    """Both with a comma between them, as many of the words as fit."""
    room = max(0, MAX_PROMPT_CHARS - (len(added) + 2 if added else 0))
    fitting = words if len(words) <= room else words[:room].rstrip(" ,")
    return ", ".join(text for text in (fitting, added) if text)
