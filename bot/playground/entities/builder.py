"""Plain text under construction, with entities that open and close at the current position."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import ApiError, bad_request

Entity = dict[str, Any]


def cannot_parse(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


class TextBuilder:
    """Collects plain text and counts it in UTF-16 units."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.offset = 0
        self.entities: list[Entity] = []

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def write(self, text: str) -> None:
        text = text.replace("\r", "")  # never shown; in MarkdownV2 it keeps two marks apart
        self.parts.append(text)
        self.offset += len(text) + sum(char > "\uffff" for char in text)

    def add(self, kind: str, start: int, **extra: Any) -> None:
        """An entity from `start` to here; an empty one is no entity."""
        if self.offset > start:
            self.entities.append({"type": kind, "offset": start, "length": self.offset - start, **extra})


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Strip the white space around the text, as Telegram does, and move the entities along."""
    lead = len(text) - len(text.lstrip())
    text = text.strip()
    end = len(text) + sum(char > "\uffff" for char in text)
    kept = []
    for it in entities:
        start = max(it["offset"] - lead, 0)
        stop = min(it["offset"] - lead + it["length"], end)
        if stop > start:
            kept.append({**it, "offset": start, "length": stop - start})
    return text, sorted(kept, key=lambda it: (it["offset"], -it["length"]))
