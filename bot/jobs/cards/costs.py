"""What long work will cost, said before it begins."""

from __future__ import annotations

from bot.jobs.cards.words import wait
from bot.texts.i18n import _


def cost(wish: str, seconds: float | None) -> str:
    """HTML: the wish, and how long it takes, as far as that is known."""
    if seconds is None:
        known = _("This may take several minutes: it is the first of its kind here, so I cannot say more exactly")
    else:
        known = wait(seconds)
    return f"⏳ {known}\n{wish}\n" + _("Shall I begin?")
