"""Entities nobody marks up: commands, names, tags and addresses in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.playground.entities.builder import Entity, end_of, in_order, units
from bot.playground.entities.urls import Span, find_client_urls, find_urls

SHORT_NAMES = frozenset({"gif", "nft", "pic", "ufc", "vid"})
LONGEST_TAG = 256
TAG_OF_A_CHANNEL = re.compile(r"@[A-Za-z0-9_]{3,32}")
CASHTAG = re.compile(r"\$(?:1INCH|[A-Z]{1,8}(?![A-Z]))(?:@[A-Za-z0-9_]{3,32}(?![A-Za-z0-9_]))?")
COMMAND = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32}|(?!@))(?![\w/<>])")
MENTION = re.compile(r"(?<!\w)@([A-Za-z0-9_]{2,32})(?!\w)")


def detected(text: str) -> list[Entity]:
    """Entities found in `text`, none over another: of two that overlap the one that begins first, then the longer."""
    found: list[Entity] = []
    ends: list[int] = [0]  # UTF-16 offsets by character
    for char in text:
        ends.append(ends[-1] + units(char))
    for kind, (start, stop) in _all(text):
        found.append({"type": kind, "offset": ends[start], "length": ends[stop] - ends[start]})
    kept: list[Entity] = []
    for it in in_order(found):
        if not kept or it["offset"] >= end_of(kept[-1]):
            kept.append(it)
    return kept


def _all(text: str) -> Iterator[tuple[str, Span]]:
    yield from (
        ("mention", it.span()) for it in MENTION.finditer(text) if len(it[1]) > 3 or it[1].lower() in SHORT_NAMES
    )
    yield from (("bot_command", it.span()) for it in COMMAND.finditer(text))
    yield from (("hashtag", it) for it in _tags(text))
    yield from (("cashtag", it) for it in _cashtags(text))
    yield from (("url", it) for it in find_client_urls(text))
    yield from find_urls(text)


def _tags(text: str) -> Iterator[Span]:
    for mark in re.finditer("#", text):
        start, stop = mark.start(), mark.end()
        if start and _is_tag(text[start - 1]):
            continue
        while stop < len(text) and _is_tag(text[stop]):
            stop += 1
        end = min(stop, start + 1 + LONGEST_TAG)
        if end == stop and (channel := TAG_OF_A_CHANNEL.match(text, stop)):
            end = stop = channel.end()
        words = text[start + 1 : end].partition("@")[0]
        if text[stop : stop + 1] != "#" and any(it.isalpha() for it in words):
            yield start, end


def _cashtags(text: str) -> Iterator[Span]:
    for it in CASHTAG.finditer(text):
        around = [*text[it.start() - 1 : it.start()], *text[it.end() : it.end() + 1]]
        if not any(_is_tag(char) or char == "$" for char in around):
            yield it.span()


def _is_tag(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char in "_\u200c\u00b7" or "\u0d80" <= char <= "\u0dff"
