"""Prompt lines as they lie with jobs and drafts: parsed, as JSON of what was said. Older rows hold strings."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, TypeAdapter

from bot.prompt.grammar import parse, read_back
from bot.prompt.line import PromptLine

_LINE = TypeAdapter(PromptLine)


def as_json(line: PromptLine) -> dict[str, Any]:
    """The line as JSON holds it: its words, and of its parameters those that were said."""
    stored: dict[str, Any] = _LINE.dump_python(line, mode="json", exclude_none=True)
    return stored


def read_line(stored: dict[str, Any] | str, taken: tuple[str, ...] | None = None) -> PromptLine:
    """The line that `as_json` has stored. An older row is a string: as `write` wrote it, or as a person typed it where
    these parameters were taken. Raises PromptError for one that can no longer be read."""
    if not isinstance(stored, str):
        return _LINE.validate_python(stored)
    return read_back(stored) if taken is None else parse(stored, taken)


def _known(value: PromptLine | dict[str, Any]) -> PromptLine:
    return value if isinstance(value, PromptLine) else read_line(value)


StoredLine = Annotated[PromptLine, BeforeValidator(_known), PlainSerializer(as_json)]


class Said(BaseModel):
    """What a person wrote, as it was typed and as it is meant. The text is quoted, and never read again."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    line: StoredLine = PromptLine("")

    @classmethod
    def of(cls, text: str, taken: tuple[str, ...]) -> Self:
        """What is said where these parameters are taken. Raises PromptError."""
        return cls(text=text, line=parse(text, taken))

    @classmethod
    def read(cls, stored: dict[str, Any] | str, taken: tuple[str, ...]) -> Self:
        """The same from a draft; in older ones stands the text alone. Raises PromptError."""
        return cls.of(stored, taken) if isinstance(stored, str) else cls.model_validate(stored)
