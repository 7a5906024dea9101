"""What styles are called."""

from __future__ import annotations

from bot.jobs.cards.words import spoken
from bot.prompt.styles import PLAIN_STYLE, styles


def style_name(slug: str | None) -> str:
    """In the language being spoken; None is no style."""
    style = styles().get(slug or PLAIN_STYLE)
    return style.name("ru" if spoken() == "ru" else "en") if style else str(slug)
