"""parse_mode MarkdownV2 (core.telegram.org/bots/api#markdownv2-style), as forgiving and as strict as the server is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.playground.entities.builder import Entity, TextBuilder, cannot_parse, in_order
from bot.playground.entities.links import link_fields, marked_fields

RESERVED = frozenset("_*[]()~`>#+-=|{}.!\n")
PLAIN = {"*": "Bold", "~": "Strikethrough", "[": "TextUrl"}
ENDS = {"Bold": "*", "Italic": "_", "Code": "`", "Pre": "```", "PreCode": "```", "TextUrl": "]", "Underline": "__"} | {
    "Strikethrough": "~",
    "Spoiler": "||",
    "CustomEmoji": "]",
}
TYPES = {"Bold": "bold", "Italic": "italic", "Underline": "underline", "Strikethrough": "strikethrough"} | {
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
}
LANGUAGE = re.compile(r"([^ \t\r\n\x00\x0b`]+)(?=[ \t\r\n\x00\x0b])")
LINE_END = re.compile(r"\r\n|\n\r|\r|\n")


@dataclass(frozen=True)
class Opened:
    name: str  # as Telegram's refusals call it
    start: int  # UTF-16 offset in the text
    place: int  # where it stands in the source
    parts: int  # parts of the text before it
    language: str = ""


class MarkdownReader:
    """Reads one source; a reserved character that is not escaped and an entity without an end raise ApiError 400."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out = TextBuilder()
        self.open: list[Opened] = []
        self.quoting = False
        self.line_begins = True  # where ">" begins a quotation

    def read(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            char = self.source[self.at]
            if escaped(self.source, self.at):
                self._write(self.source[self.at + 1], is_line_end=self.source[self.at + 1] == "\n")
                self.at += 2
            elif char not in self._reserved():
                self._write(char, is_line_end=False)
                self.at += 1
            elif self._ends_here(char):
                self._end(char)
            else:
                self._begin(char)
        if self.quoting:
            self._end_quote_with_text()
        if self.open:
            raise self._endless(self.open[-1])
        return self.out.text, in_order(self.out.entities)

    def _reserved(self) -> frozenset[str]:
        return frozenset("`") if self.open and self.open[-1].name in ("Code", "Pre", "PreCode") else RESERVED

    def _write(self, char: str, is_line_end: bool) -> None:
        self.out.write(char)
        if char != "\r":
            self.line_begins = is_line_end

    def _has(self, mark: str) -> bool:
        return self.source.startswith(mark, self.at)

    def _ends_here(self, char: str) -> bool:
        if not self.open:
            return False
        if self.quoting and char == "\n" and not self._has("\n>"):
            return True
        name = self.open[-1].name
        if name == "Italic" and self._has("__"):
            return False
        return name in ENDS and self._has(ENDS[name])

    # Beginnings

    def _begin(self, char: str) -> None:
        place = self.at
        if char == "\n":
            self._write(char, is_line_end=True)
            self.at += 1
            return
        if char == ">" and self.line_begins:
            self.at += 1
            if not self.quoting:
                self.quoting = True
                self._opened("BlockQuote", place)
            return
        if char == "`":
            self._begin_code(place)
            return
        for mark, name in (("__", "Underline"), ("_", "Italic"), ("||", "Spoiler"), ("![", "CustomEmoji")):
            if self._has(mark):
                self.at += len(mark)
                self._opened(name, place)
                return
        if char not in PLAIN:
            raise cannot_parse(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")
        self.at += 1
        self._opened(PLAIN[char], place)

    def _begin_code(self, place: int) -> None:
        if not self._has("```"):
            self.at += 1
            self._opened("Code", place)
            return
        language, self.at = block_begins(self.source, self.at + 3)
        self._opened("PreCode" if language else "Pre", place, language)

    def _opened(self, name: str, place: int, language: str = "") -> None:
        self.open.append(Opened(name, self.out.offset, place, len(self.out.parts), language))

    # Ends

    def _end(self, char: str) -> None:
        it = self.open[-1]
        if self.quoting and char == "\n" and not self._has("\n>"):
            self._end_quote_with_line()
        elif it.name in ("TextUrl", "CustomEmoji"):
            self._end_link(it)
            self.open.pop()
        else:
            self.at += len(ENDS[it.name])
            self.open.pop()
            self.out.add(TYPES[it.name], it.start, **({"language": it.language} if it.language else {}))

    def _end_link(self, it: Opened) -> None:
        self.at += 1
        given = self._has("(")
        url = self._address() if given else self.out.since(it.parts)
        if it.name == "CustomEmoji":
            if not given:
                raise cannot_parse("The entity must contain a tg://emoji or tg://time URL")
            found = marked_fields(url)
            if found is None:
                raise cannot_parse("Invalid tg://emoji or tg://time URL specified")
        else:
            found = link_fields(url)
        if found:
            self.out.add(found[0], it.start, **found[1])

    def _address(self) -> str:
        self.at += 1
        begin, url = self.at, ""
        while self.at < len(self.source) and self.source[self.at] != ")":
            self.at += escaped(self.source, self.at)
            url += self.source[self.at]
            self.at += 1
        if self.at >= len(self.source):
            raise cannot_parse(f"Can't find end of a URL at byte offset {self._byte(begin)}")
        self.at += 1
        return url

    def _end_quote_with_line(self) -> None:
        """A line that does not begin with ">" ends the block; it is folded if `||` stands before the line's end."""
        it, kind = self.open.pop(), "blockquote"
        if it.name != "BlockQuote":
            between = self.source[it.place + 2 : self.at]
            if it.name != "Spoiler" or between not in ("", "\r"):
                raise self._endless(it)
            it, kind = self.open.pop(), "expandable_blockquote"
            if it.name != "BlockQuote":
                raise self._endless(it)
        self.quoting = False
        self._write("\n", is_line_end=True)
        self.at += 1
        self.out.add(kind, it.start)

    def _end_quote_with_text(self) -> None:
        kind = "blockquote"
        if self.open[-1].name == "Spoiler" and self.open[-1].place == len(self.source) - 2:
            self.open.pop()
            kind = "expandable_blockquote"
        if self.open[-1].name == "BlockQuote":
            self.out.add(kind, self.open.pop().start)

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode())

    def _endless(self, it: Opened) -> Exception:
        return cannot_parse(f"Can't find end of {it.name} entity at byte offset {self._byte(it.place)}")


def escaped(source: str, at: int) -> bool:
    """Whether a backslash at `at` takes the meaning from the character behind it."""
    return source[at] == "\\" and "\x01" <= source[at + 1 : at + 2] <= "\x7e"


def block_begins(source: str, at: int) -> tuple[str, int]:
    """The language behind ``` at `at`, and where the code begins: one line end behind it is skipped."""
    language = LANGUAGE.match(source, at)
    at = language.end() if language else at
    line_end = LINE_END.match(source, at)
    return language[1] if language else "", line_end.end() if line_end else at


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities; raises ApiError as MarkdownReader says."""
    return MarkdownReader(source).read()
