"""Small words that every card is made of: numbers and times."""

from __future__ import annotations

from babel.numbers import format_decimal

from bot.texts.i18n import _, ngettext, spoken
from bot.texts.units import unbroken


def seconds_taken(seconds: float) -> str:
    """A measured time: "3.1 s", "48 s", "2 min 5 s"."""
    return unbroken(_taken(seconds))


def wait(eta_seconds: float) -> str:
    """An estimate, rounded to what it is worth: "about 5 s", "about 40 s", "about 3 min"."""
    return unbroken(_estimated(eta_seconds))


def _taken(seconds: float) -> str:
    if seconds < 10:
        return _("{n} s").format(n=number(round(seconds, 1)))
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("{n} s").format(n=rest)
    return _("{m} min {s} s").format(m=minutes, s=rest) if rest else _("{m} min").format(m=minutes)


def _estimated(eta_seconds: float) -> str:
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
