"""Small words that every card is made of: cut, quoted and escaped text, numbers and times."""

from __future__ import annotations

import html
import re

from babel.numbers import format_decimal

from bot.texts.i18n import _, catalogues, ngettext

CAPTION_PROMPT = 300


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word where there is one near the end."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word = cut.rpartition(" ")[0]
    return (word if len(word) > limit * 2 // 3 else cut).rstrip(" ,.;:") + "…"


def quote(prompt: str) -> str:
    return f"<blockquote expandable>{escape(shortened(prompt, CAPTION_PROMPT))}</blockquote>"


def visible_length(text: str) -> int:
    """How long Telegram takes a HTML text to be: UTF-16 units without the tags."""
    return len(html.unescape(re.sub(r"<[^>]*>", "", text)).encode("utf-16-le")) // 2


def seconds_taken(seconds: float) -> str:
    """A measured time: "3.1 s", "48 s", "2 min 5 s"."""
    if seconds < 10:
        return _("{n} s").format(n=number(round(seconds, 1)))
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("{n} s").format(n=rest)
    return _("{m} min {s} s").format(m=minutes, s=rest) if rest else _("{m} min").format(m=minutes)


def wait(eta_seconds: float) -> str:
    """An estimate, rounded to what it is worth: "about 5 s", "about 40 s", "about 3 min"."""
    if eta_seconds < 3:
        return _("a moment")
    if eta_seconds < 55:
        return _("about {n} s").format(n=max(5, round(eta_seconds / 5) * 5))
    if eta_seconds < 90 * 60:
        return _("about {n} min").format(n=max(1, round(eta_seconds / 60)))
    return _("about {n} h").format(n=round(eta_seconds / 3600))


def steps_counted(count: int) -> str:
    return ngettext("{n} step", "{n} steps", count).format(n=count)


def number(value: float) -> str:
    return str(format_decimal(value, locale=spoken()))


def spoken() -> str:
    """The language being spoken."""
    return catalogues().current_locale
