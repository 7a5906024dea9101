"""parse_mode MarkdownV2 and the older Markdown (core.telegram.org/bots/api#markdownv2-style)."""

from __future__ import annotations

import re

from bot.playground.entities.builder import Entity, TextBuilder, cannot_parse
from bot.playground.entities.html import link_entity

RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
PAIRS = {"__": "underline", "||": "spoiler", "*": "bold", "_": "italic", "~": "strikethrough"}
NAMES = {"bold": "Bold", "italic": "Italic", "underline": "Underline", "strikethrough": "Strikethrough"} | {
    "spoiler": "Spoiler"
}
ESCAPED = re.compile(r"\\([\x01-\x7e])")


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; a reserved character that is not escaped is a 400, as on the server."""
    out = TextBuilder()
    opened: list[tuple[str, int, int]] = []  # mark, offset in the text, place in the source
    position = 0
    while position < len(source):
        char = source[position]
        if char == "\\" and position + 1 < len(source) and ESCAPED.match(source, position):
            out.write(source[position + 1])
            position += 2
        elif char == "`":
            position = _code(source, position, out)
        elif char == ">" and (position == 0 or source[position - 1] == "\n"):
            position = _quote(source, position, out)
        elif mark := next((it for it in PAIRS if source.startswith(it, position)), None):
            if opened and opened[-1][0] == mark:
                out.add(PAIRS[mark], opened.pop()[1])
            elif any(mark == it[0] for it in opened):
                raise _unfinished(source, opened[-1])
            else:
                opened.append((mark, out.offset, position))
            position += len(mark)
        elif char == "[" or source.startswith("![", position):
            opened.append(("[", out.offset, position))
            position += 1 if char == "[" else 2
        elif char == "]" and opened and opened[-1][0] == "[":
            position = _link(source, position, opened.pop(), out)
        elif char in RESERVED:
            at = f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
            raise cannot_parse(at)
        else:
            out.write(char)
            position += 1
    if opened:
        raise _unfinished(source, opened[-1])
    return out.text, out.entities


def _unfinished(source: str, it: tuple[str, int, int]) -> Exception:
    name = NAMES[PAIRS[it[0]]] if it[0] in PAIRS else "a URL"
    return cannot_parse(f"Can't find end of {name} entity at byte offset {len(source[: it[2]].encode())}")


def _code(source: str, position: int, out: TextBuilder) -> int:
    mark = "```" if source.startswith("```", position) else "`"
    stop = position + len(mark)
    while (stop := source.find(mark, stop)) >= 0 and source[stop - 1] == "\\":
        stop += 1
    if stop < 0:
        name = "Pre" if mark == "```" else "Code"
        raise cannot_parse(f"Can't find end of {name} entity at byte offset {len(source[:position].encode())}")
    body, extra = source[position + len(mark) : stop], {}
    if mark == "```" and (language := re.match(r"([^\s`]+)\n", body)):
        body, extra = body[language.end() :], {"language": language[1]}
    elif mark == "```":
        body = body.removeprefix("\n")
    start = out.offset
    out.write(ESCAPED.sub(r"\1", body))
    out.add("pre" if mark == "```" else "code", start, **extra)
    return stop + len(mark)


def _quote(source: str, position: int, out: TextBuilder) -> int:
    """Neighbouring lines that begin with `>`; the block ends with `||` if it is to be folded."""
    lines = re.compile(r"(?:>[^\n]*(?:\n(?=>)|$|(?=\n)))+").match(source, position)
    block = lines[0] if lines else source[position:]
    inner = re.sub(r"(?m)^>", "", block)
    folded = inner.endswith("||")
    text, entities = parse_markdown_v2(inner.removesuffix("||") if folded else inner)
    start = out.offset
    out.write(text)
    out.entities += [{**it, "offset": it["offset"] + start} for it in entities]
    out.add("expandable_blockquote" if folded else "blockquote", start)
    return position + len(block)


def _link(source: str, position: int, begun: tuple[str, int, int], out: TextBuilder) -> int:
    target = re.compile(r"\]\(((?:\\.|[^)\\])*)\)").match(source, position)
    if target is None:
        raise _unfinished(source, begun)
    url = ESCAPED.sub(r"\1", target[1])
    custom_emoji = re.fullmatch(r"tg://emoji\?id=(\d+)", url)
    if custom_emoji:
        out.add("custom_emoji", begun[1], custom_emoji_id=custom_emoji[1])
    else:
        kind, extra = link_entity(url)
        if kind:
            out.add(kind, begun[1], **extra)
    return target.end()


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """The older mode: `*bold*`, `_italic_`, code and links; nothing nests."""
    out = TextBuilder()
    position = 0
    while position < len(source):
        char = source[position]
        if char == "\\" and source[position + 1 : position + 2] in tuple("_*`["):
            out.write(source[position + 1])
            position += 2
        elif char == "`":
            position = _code(source, position, out)
        elif char in "*_":
            stop = source.find(char, position + 1)
            if stop < 0:
                raise _unfinished(source, (char, out.offset, position))
            start = out.offset
            out.write(source[position + 1 : stop])
            out.add(PAIRS[char], start)
            position = stop + 1
        elif char == "[" and (stop := source.find("](", position)) >= 0:
            start = out.offset
            out.write(source[position + 1 : stop])
            position = _link(source, stop, ("[", start, position), out)
        else:
            out.write(char)
            position += 1
    return out.text, out.entities
