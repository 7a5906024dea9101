"""HTML as Telegram reads it: text of others cut, escaped and quoted."""

from __future__ import annotations

import html
import re

QUOTE_CHARS = 300
EXCERPT_CHARS = 60


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word where there is one near the end."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word = cut.rpartition(" ")[0]
    return (word if len(word) > limit * 2 // 3 else cut).rstrip(" ,.;:") + "…"


def excerpt(text: str) -> str:
    """So much of what somebody typed as goes into a sentence of ours, escaped."""
    return escape(shortened(text, EXCERPT_CHARS))


def quote(prompt: str) -> str:
    return f"<blockquote expandable>{escape(shortened(prompt, QUOTE_CHARS))}</blockquote>"


def visible_length(text: str) -> int:
    """How long Telegram takes a HTML text to be: UTF-16 units without the tags."""
    return len(html.unescape(re.sub(r"<[^>]*>", "", text)).encode("utf-16-le")) // 2
