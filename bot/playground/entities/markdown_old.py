"""parse_mode Markdown, the older mode: `*bold*`, `_italic_`, code and links; nothing nests."""

from __future__ import annotations

from bot.playground.entities.builder import Entity, TextBuilder, cannot_parse
from bot.playground.entities.links import link_fields
from bot.playground.entities.markdown import block_begins

MARKS = ("_", "*", "`", "[")


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; raises ApiError 400 for an entity without an end."""
    out = TextBuilder()
    at = 0
    while at < len(source):
        if source[at] == "\\" and source[at + 1 : at + 2] in MARKS:
            out.write(source[at + 1])
            at += 2
        elif source[at] in MARKS:
            at = _entity(source, at, out)
        else:
            out.write(source[at])
            at += 1
    return out.text, out.entities


def _entity(source: str, begin: int, out: TextBuilder) -> int:
    """Reads the entity that begins there; returns where the text goes on."""
    mark, at, language = source[begin], begin + 1, ""
    end = "]" if mark == "[" else mark
    if source.startswith("```", begin):
        end = "```"
        language, at = block_begins(source, begin + 3)
    stop = source.find(end, at)
    if stop < 0:
        raise cannot_parse(f"Can't find end of the entity starting at byte offset {len(source[:begin].encode())}")
    start, words = out.offset, source[at:stop]
    out.write(words)
    if mark != "[" or not words:
        kind = {"_": "italic", "*": "bold", "`": "pre" if end == "```" else "code"}.get(mark, "text_link")
        out.add(kind, start, **({"language": language} if language else {}))
        return stop + len(end)
    return _link(source, begin, stop + 1, start, out)


def _link(source: str, begin: int, at: int, start: int, out: TextBuilder) -> int:
    """The address behind `[words]`, or the words themselves as the server sees them.

    It reads them where they stood after it has moved the text to the left over the marks it has taken out.
    """
    before, moved = source[: at - 1].encode(), out.text.encode()
    url = (moved + before[len(moved) :])[len(source[:begin].encode()) + 1 :].decode("utf-8", "replace")
    if source.startswith("(", at):
        stop = source.find(")", at)
        stop = len(source) if stop < 0 else stop
        url, at = source[at + 1 : stop], stop + 1
    found = link_fields(url)
    if found:
        out.add(found[0], start, **found[1])
    return at
