"""One door for all ways to format a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.playground.entities.builder import Entity, trimmed
from bot.playground.entities.detect import detected
from bot.playground.entities.html import parse_html
from bot.playground.entities.markdown import parse_markdown, parse_markdown_v2
from bot.playground.errors import bad_request

PARSERS = {"html": parse_html, "markdownv2": parse_markdown_v2, "markdown": parse_markdown}


@dataclass(frozen=True)
class FormattedText:
    text: str
    entities: list[Entity] = field(default_factory=list)

    def fields(self, text_name: str, entities_name: str) -> dict[str, Any]:
        """As fields of a Message: no empty entities, no empty caption."""
        named: dict[str, Any] = {text_name: self.text} if self.text else {}
        return named | ({entities_name: self.entities} if self.entities else {})


def formatted(text: str, parse_mode: str | None = None, entities: list[Entity] | None = None) -> FormattedText:
    """Plain text with its entities: from markup, given, and detected; surrounding white space is cut.

    Raises ApiError `can't parse entities: …` for broken markup and an unknown parse mode.
    """
    marked = entities or []
    if parse_mode:
        parser = PARSERS.get(parse_mode.lower())
        if parser is None:
            raise bad_request("unsupported parse_mode")
        text, marked = parser(text)
    elif not marked:
        text = text.replace("\r", "")
    text, marked = trimmed(text, marked)
    if not text:
        return FormattedText("")
    return FormattedText(text, sorted(marked + detected(text, marked), key=lambda it: (it["offset"], -it["length"])))
