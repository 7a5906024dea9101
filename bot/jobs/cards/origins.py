"""Where the words of a picture come from."""

from __future__ import annotations

from bot.prompt import PromptLine
from bot.texts.html import QUOTE_CHARS, escape, shortened
from bot.texts.i18n import _
from bot.texts.languages import in_cyrillic
from inference.requests import AnyRequest, Rewrite


def origins(line: PromptLine, request: AnyRequest, own_words: str = "") -> list[str]:
    """Where the words of a picture come from, as far as they are not simply the person's: HTML, one sentence each."""
    said = []
    if own_words:
        said.append(_("Your own words: {text}").format(text=_short(own_words)))
    if text := _translation(line, request):
        said.append(_("Translation: {text}").format(text=_short(text)))
    return said


def _translation(line: PromptLine, request: AnyRequest) -> str:
    """What was drawn in place of the words of a line that were not English; "" where they were drawn themselves."""
    drawn = "" if isinstance(request, Rewrite) else request.words
    return drawn if in_cyrillic(line.prompt) and drawn and not in_cyrillic(drawn) else ""


def _short(text: str) -> str:
    return f"<i>{escape(shortened(text, QUOTE_CHARS))}</i>"
