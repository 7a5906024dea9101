"""Entities nobody marks up: commands, names, links, hashtags and addresses in plain text."""

from __future__ import annotations

import re

from bot.playground.entities.builder import Entity

PATTERNS = (
    (
        "url",
        re.compile(
            r"(?<![\w@.])(?:https?://[^\s<>\"']+|(?:[a-z0-9-]+\.)+(?:com|org|net|ru|io|me|dev)\b[^\s<>\"']*)", re.I
        ),
    ),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/@])")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z][A-Za-z0-9_]{2,31}(?![\w@])")),
    ("hashtag", re.compile(r"(?<![\w#&/])#(?=\w*[^\W\d])\w{1,255}")),
)
OPAQUE = frozenset({"code", "pre", "text_link", "text_mention", "custom_emoji"})


def detected(text: str, marked: list[Entity]) -> list[Entity]:
    """Entities found in `text`, none inside code or a link of `marked`, none over another."""
    taken = [(it["offset"], it["offset"] + it["length"]) for it in marked if it["type"] in OPAQUE]
    found: list[Entity] = []
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            words = match[0].rstrip(".,:;!?)]}'\"") if kind == "url" else match[0]
            start = _utf16(text[: match.start()])
            stop = start + _utf16(words)
            if all(stop <= low or start >= high for low, high in taken):
                taken.append((start, stop))
                found.append({"type": kind, "offset": start, "length": stop - start})
    return found


def _utf16(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)
