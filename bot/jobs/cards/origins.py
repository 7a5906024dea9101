"""Where the words of a picture come from."""

from __future__ import annotations

from bot.jobs.translation import translation_of
from bot.prompt import PromptLine
from bot.texts.html import QUOTE_CHARS, escape, shortened
from bot.texts.i18n import _
from inference.requests import AnyRequest


def origins(line: PromptLine, request: AnyRequest, own_words: str = "") -> list[str]:
    """Where the words of a picture come from, as far as they are not simply the person's: HTML, one sentence each."""
    said = []
    if own_words:
        said.append(_("Your own words: {text}").format(text=_short(own_words)))
    if text := translation_of(line, request):
        said.append(_("Translation: {text}").format(text=_short(text)))
    return said


def _short(text: str) -> str:
    return f"<i>{escape(shortened(text, QUOTE_CHARS))}</i>"
