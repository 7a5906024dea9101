"""What long work will cost, said before it begins."""

from __future__ import annotations

from bot.jobs.cards.words import wait
from bot.texts.i18n import _, ngettext


def cost(wish: str, tiles: int, seconds: float | None) -> str:
    """HTML: the wish, how many parts it takes, and how long, as far as that is known."""
    known = [ngettext("{n} part", "{n} parts", tiles).format(n=tiles)] if tiles > 1 else []
    known.append(wait(seconds) if seconds is not None else _("I do not know yet how long it takes here"))
    return f"⏳ {', '.join(known)}\n{wish}\n" + _("Shall I begin?")
