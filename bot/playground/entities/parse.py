"""One door for all ways to format a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.playground.entities.builder import Entity
from bot.playground.entities.detect import detected
from bot.playground.entities.given import given
from bot.playground.entities.html import parse_html
from bot.playground.entities.markdown import parse_markdown_v2
from bot.playground.entities.markdown_old import parse_markdown
from bot.playground.entities.tidy import cleaned, nested, trimmed
from bot.playground.errors import bad_request

LONGEST = 2**15  # bytes of a source, markup and all
PARSERS = {"html": parse_html, "markdownv2": parse_markdown_v2, "markdown": parse_markdown}
# Letters that nobody sees: a text of nothing else is empty.
UNSEEN = " \n\u1680\u180e\u200e\u200f\u202f\u205f\u2800\u3000\ufffc" + "".join(map(chr, range(0x2000, 0x200C)))


@dataclass(frozen=True)
class FormattedText:
    text: str
    entities: list[Entity] = field(default_factory=list)

    def fields(self, text_name: str, entities_name: str) -> dict[str, Any]:
        """As fields of a Message: no empty entities, no empty caption."""
        named: dict[str, Any] = {text_name: self.text} if self.text else {}
        return named | ({entities_name: self.entities} if self.entities else {})


def formatted(text: str, parse_mode: str | None = None, entities: list[Entity] | None = None) -> FormattedText:
    """The text as it is sent with its entities: from markup, else given, and in both cases detected.

    Raises ApiError `can't parse entities: …` for broken markup, an unknown parse mode and entities that do not fit.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise bad_request("text is too long")
    if text and parse_mode:
        parser = PARSERS.get(parse_mode.lower())
        if parser is None:
            raise bad_request("unsupported parse_mode")
        text, marked = parser(text)
    else:
        marked = given(entities or [])
    text, marked = trimmed(*cleaned(text, marked))
    if not text.strip(UNSEEN):
        return FormattedText("")
    return FormattedText(text, nested(marked, detected(text)))
