"""Entities as the Bot API names them, and plain text under construction with its length in UTF-16 units."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import ApiError, bad_request

Entity = dict[str, Any]

STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")  # may be cut into pieces
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
CODE = frozenset({"code", "pre"})
UNSTYLED = CODE | {"date_time"}  # nothing is bold within them
# Of two entities over the same words the one with the lower number is the outer one.
RANKS = {"blockquote": 0, "expandable_blockquote": 0, "pre": 11, "code": 20, "text_link": 49, "text_mention": 49} | {
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
    "date_time": 48,
}


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def cannot_parse(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


def units(text: str) -> int:
    """Length in UTF-16 code units, in which entities are counted."""
    return len(text) + sum(char > "\uffff" for char in text)


def lowered(text: str) -> str:
    """With small Latin letters for the capitals of ASCII; other alphabets stay as they are."""
    return text.translate(_SMALL)


def end_of(entity: Entity) -> int:
    return int(entity["offset"] + entity["length"])


def in_order(entities: list[Entity]) -> list[Entity]:
    """By their beginning, the longer one first, of equal ones the outer one first."""

    def place(it: Entity) -> tuple[int, int, int]:
        rank = 10 if it["type"] == "pre" and "language" in it else RANKS.get(it["type"], 50)
        return it["offset"], -it["length"], rank

    return sorted(entities, key=place)


class TextBuilder:
    """Collects plain text and entities that end at the current position."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.offset = 0
        self.entities: list[Entity] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.offset += units(text)

    def since(self, parts: int) -> str:
        """What was written since `parts` parts were there."""
        return "".join(self.parts[parts:])

    def add(self, kind: str, start: int, **extra: Any) -> None:
        """An entity from `start` to here; an empty one is no entity."""
        if self.offset > start:
            self.entities.append({"type": kind, "offset": start, "length": self.offset - start, **extra})
