"""parse_mode HTML (core.telegram.org/bots/api#html-style), as forgiving and as strict as the server is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.playground.entities.builder import Entity, TextBuilder, cannot_parse, in_order, lowered
from bot.playground.entities.links import date_fields, is_emoji_id, link_fields

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
    "span": "spoiler",
}
SUPPORTED = frozenset({*SIMPLE, "a", "tg-emoji", "tg-time", "pre", "code", "blockquote"})
SPACE = r"[ \t\r\n\x00\x0b]"
NAME = re.compile(r"[^ \t\r\n\x00\x0b>]*")
SPACES = re.compile(rf"{SPACE}*")
ATTRIBUTE = re.compile(r"[^ \t\r\n\x00\x0b=>/\"']*")
TOKEN = re.compile(r"[A-Za-z0-9.-]*")
NUMBER = re.compile(r"&#(?:x(?P<hex>[0-9a-fA-F]*)|(?P<decimal>[0-9]*));?")
NAMED = re.compile(r"&(?P<name>[A-Za-z]*);?")
NAMES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


@dataclass(frozen=True)
class OpenTag:
    name: str
    attributes: dict[str, str]
    start: int  # UTF-16 offset in the text
    parts: int  # parts of the text before it


class HtmlReader:
    """Reads one source; an unknown, unclosed or crossed tag raises ApiError 400 that says at which byte."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out = TextBuilder()
        self.open: list[OpenTag] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            if self.source[self.at] != "<":
                stop = self.source.find("<", self.at)
                stop = len(self.source) if stop < 0 else stop
                self.out.write(decoded(self.source[self.at : stop]))
                self.at = stop
            elif self.source.startswith("</", self.at):
                self._close()
            else:
                self._begin()
        if self.open:
            raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{self.open[-1].name}"')
        text = self.out.text
        if any("\ud800" <= it <= "\udfff" for it in text):
            raise cannot_parse(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
                "surrogate code units"
            )
        return text, in_order([_public(it) for it in self.out.entities])

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        assert found is not None
        self.at = found.end()
        return found[0]

    def _next(self) -> str:
        """The character here, empty at the end."""
        return self.source[self.at : self.at + 1]

    def _begin(self) -> None:
        begin = self.at
        self.at += 1
        name = lowered(self._take(NAME))
        if not self._next():
            raise cannot_parse(f"Unclosed start tag at byte offset {self._byte(begin)}")
        if name not in SUPPORTED:
            raise cannot_parse(f'Unsupported start tag "{name}" at byte offset {self._byte(begin)}')
        attributes: dict[str, str] = {}
        while True:
            self._take(SPACES)
            if self._next() == ">":
                break
            self._attribute(name, begin, attributes)
        self.at += 1
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(begin)}')
        if name == "tg-time" and attributes.get("format") and date_fields("1", attributes["format"]) is None:
            raise cannot_parse("Invalid date format used")
        self.open.append(OpenTag(name, attributes, self.out.offset, len(self.out.parts)))

    def _attribute(self, tag: str, begin: int, attributes: dict[str, str]) -> None:
        name = self._take(ATTRIBUTE)
        if not name:
            raise cannot_parse(f'Empty attribute name in the tag "{tag}" at byte offset {self._byte(begin)}')
        self._take(SPACES)
        if not self._next():
            raise cannot_parse(f'Unclosed start tag "{tag}" at byte offset {self._byte(begin)}')
        if self._next() != "=":
            attributes.setdefault(name, "")
            return
        self.at += 1
        self._take(SPACES)
        if not self._next():
            raise cannot_parse(f'Unclosed start tag "{tag}" at byte offset {self._byte(begin)}')
        value = self._quoted() if self._next() in "\"'" else self._token()
        if not self._next():
            raise cannot_parse(f"Unclosed start tag at byte offset {self._byte(begin)}")
        attributes[name] = value

    def _quoted(self) -> str:
        mark = self._next()
        stop = self.source.find(mark, self.at + 1)
        inner = self.source[self.at + 1 : stop if stop >= 0 else len(self.source)]
        self.at = stop + 1 if stop >= 0 else len(self.source)
        return decoded(inner)

    def _token(self) -> str:
        begin = self.at
        token = self._take(TOKEN).lower()
        if self._next() not in ("", " ", "\t", "\r", "\n", "\x00", "\x0b", ">"):
            raise cannot_parse(f"Unexpected end of name token at byte offset {self._byte(begin)}")
        return token

    def _close(self) -> None:
        begin = self.at
        if not self.open:
            raise cannot_parse(f"Unexpected end tag at byte offset {self._byte(begin)}")
        self.at += 2
        name = lowered(self._take(NAME))
        self._take(SPACES)
        if self._next() != ">":
            raise cannot_parse(f"Unclosed end tag at byte offset {self._byte(begin)}")
        self.at += 1
        tag = self.open.pop()
        if name and name != tag.name:
            at = self._byte(begin)
            raise cannot_parse(f'Unmatched end tag at byte offset {at}, expected "</{tag.name}>", found "</{name}>"')
        if self.out.offset > tag.start:
            self._entity(tag)

    def _entity(self, tag: OpenTag) -> None:
        if tag.name in SIMPLE:
            self.out.add(SIMPLE[tag.name], tag.start)
        elif tag.name == "blockquote":
            self.out.add("expandable_blockquote" if "expandable" in tag.attributes else "blockquote", tag.start)
        elif tag.name in ("pre", "code"):
            self._code(tag)
        elif tag.name == "tg-emoji":
            identifier = tag.attributes.get("emoji-id", "")
            if not is_emoji_id(identifier):
                raise cannot_parse("Invalid custom emoji identifier specified")
            self.out.add("custom_emoji", tag.start, custom_emoji_id=identifier)
        else:
            about = tag.attributes
            found = (
                date_fields(about.get("unix", ""), about.get("format", ""))
                if tag.name == "tg-time"
                else link_fields(about.get("href") or self.out.since(tag.parts))
            )
            if found:
                self.out.add(found[0], tag.start, **found[1])

    def _code(self, tag: OpenTag) -> None:
        """`<pre><code class="language-python">`, either one inside, is one entity: a block with a language."""
        named = tag.attributes.get("class", "")
        language = named.removeprefix("language-") if tag.name == "code" and named.startswith("language-") else ""
        last = self.out.entities[-1] if self.out.entities else {}
        same = (last.get("offset"), last.get("length")) == (tag.start, self.out.offset - tag.start)
        other = {"pre": "code", "code": "pre"}[tag.name]
        language_of_both = language or (last.get("language", "") if last.get("type") == "code" else "")
        if same and last.get("type") == other and language_of_both and not (other == "pre" and "language" in last):
            last |= {"type": "pre", "language": language_of_both}
        else:
            self.out.add(tag.name, tag.start, **({"language": language} if language else {}))


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; raises ApiError as HtmlReader says."""
    return HtmlReader(source).read()


def _public(entity: Entity) -> Entity:
    """Inline code has no language."""
    return {key: value for key, value in entity.items() if not (entity["type"] == "code" and key == "language")}


def decoded(source: str) -> str:
    """With `&lt;`, `&#33;` and their like as the characters that they mean; others stay as they are."""
    parts: list[str] = []
    at = 0
    while (mark := source.find("&", at)) >= 0:
        parts.append(source[at:mark])
        char, at = _character(source, mark)
        parts.append(char)
    return "".join(parts) + source[at:]


def _character(source: str, at: int) -> tuple[str, int]:
    """The character meant by what stands at `at`, and where the text goes on."""
    number = NUMBER.match(source, at)
    if number is not None:
        written = len(number[0].rstrip(";"))
        code = int(number["hex"] or "0", 16) if number["hex"] is not None else int(number["decimal"] or "0")
        return (chr(code), number.end()) if 0 < code < 0x10FFFF and written < 10 else ("&", at + 1)
    named = NAMED.match(source, at)
    assert named is not None
    char = NAMES.get(named["name"])
    return (char, named.end()) if char else ("&", at + 1)
