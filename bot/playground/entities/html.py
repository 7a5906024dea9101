"""parse_mode HTML (core.telegram.org/bots/api#html-style), strict as the server is."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from bot.playground.entities.builder import Entity, TextBuilder, cannot_parse

SIMPLE = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
SUPPORTED = frozenset({*SIMPLE, "a", "span", "tg-emoji"})
TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
TAG_BEGINS = re.compile(r"</?[A-Za-z]")
ATTRIBUTE = re.compile(r"""([A-Za-z][\w-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


@dataclass(frozen=True)
class OpenTag:
    name: str
    attributes: dict[str, str]
    start: int


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; an unknown, unclosed or crossed tag is a 400 that says at which byte."""
    out = TextBuilder()
    open_tags: list[OpenTag] = []
    position = 0
    while position < len(source):
        if source[position] != "<":
            stop = source.find("<", position)
            stop = len(source) if stop < 0 else stop
            out.write(CHARACTER.sub(lambda found: html.unescape(found[0]), source[position:stop]))
            position = stop
            continue
        tag = TAG.match(source, position)
        at = len(source[:position].encode())
        if tag is None and not TAG_BEGINS.match(source, position):
            raise cannot_parse(f'Unsupported start tag "" at byte offset {at}')
        if tag is None:
            raise cannot_parse(f"Unclosed start tag at byte offset {at}")
        name = tag["name"].lower()
        if tag["close"]:
            _close(out, open_tags, name, at)
        else:
            open_tags.append(_opened(name, tag["attributes"], out.offset, at))
        position = tag.end()
    if open_tags:
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{open_tags[-1].name}"')
    return out.text, _code_blocks_with_language(out.entities)


def _opened(name: str, attributes: str, start: int, at: int) -> OpenTag:
    found = {
        it[1].lower(): html.unescape(next((value for value in it.groups()[1:] if value is not None), ""))
        for it in ATTRIBUTE.finditer(attributes)
    }
    if name not in SUPPORTED:
        raise cannot_parse(f'Unsupported start tag "{name}" at byte offset {at}')
    if name == "span" and found.get("class") != "tg-spoiler":
        raise cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    return OpenTag(name, found, start)


def _close(out: TextBuilder, open_tags: list[OpenTag], name: str, at: int) -> None:
    if not open_tags:
        raise cannot_parse(f'Unexpected end tag at byte offset {at}: "</{name}>"')
    tag = open_tags.pop()
    if tag.name != name:
        raise cannot_parse(f'Unmatched end tag at byte offset {at}, expected "</{tag.name}>", found "</{name}>"')
    kind, extra = _entity_of(tag, out)
    if kind:
        out.add(kind, tag.start, **extra)


def _entity_of(tag: OpenTag, out: TextBuilder) -> tuple[str | None, dict[str, Any]]:
    if tag.name == "span":
        return "spoiler", {}
    if tag.name == "blockquote":
        return "expandable_blockquote" if "expandable" in tag.attributes else "blockquote", {}
    if tag.name == "tg-emoji":
        return "custom_emoji", {"custom_emoji_id": tag.attributes.get("emoji-id", "")}
    if tag.name == "a":
        return link_entity(tag.attributes.get("href", ""))
    if tag.name == "code" and tag.attributes.get("class", "").startswith("language-"):
        return "code", {"language": tag.attributes["class"].removeprefix("language-")}
    return SIMPLE[tag.name], {}


def link_entity(url: str) -> tuple[str | None, dict[str, Any]]:
    """A link, a mention of a person by id, or nothing if there is no usable address."""
    person = re.fullmatch(r"tg://user\?id=(\d+)", url)
    if person:
        return "text_mention", {"user": {"id": int(person[1]), "is_bot": False, "first_name": f"User {person[1]}"}}
    if re.match(r"(https?|tg|ton|mailto|tel):", url):
        return "text_link", {"url": url}
    return ("text_link", {"url": f"http://{url}"}) if "." in url else (None, {})


def _code_blocks_with_language(entities: list[Entity]) -> list[Entity]:
    """`<pre><code class="language-python">` is one entity, a block with a language."""
    blocks = {(it["offset"], it["length"]): it for it in entities if it["type"] == "pre"}
    kept = []
    for it in entities:
        block = blocks.get((it["offset"], it["length"])) if it["type"] == "code" else None
        if block is not None:
            block.update({"language": it["language"]} if it.get("language") else {})
            continue
        kept.append({key: value for key, value in it.items() if not (it["type"] == "code" and key == "language")})
    return kept
