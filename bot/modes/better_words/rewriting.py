"""What a person reads and presses while their words are being improved: the text as it grows, then old against new."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from aiogram.types import InlineKeyboardMarkup

from bot.jobs import cards
from bot.modes.better_words.buttons import choice_buttons, fallback_buttons
from bot.prompt import PromptLine
from bot.texts.html import escape, quote, shortened
from bot.texts.i18n import _
from inference.requests import AnyRequest, Cancelled, Failed, Finished, Progress

WORDS_CHARS = 1000
MOST_COMPARED = 200 * 200  # words by words: comparing takes their product, and more where they repeat
IN_COMMON = 0.2  # share of words below which two texts are told one after the other

_DASHES = re.compile(r"(?:(?<=\s)|^)[-\u2012-\u2015\u2212]+(?=\w)")


def improved(finished: Finished) -> str:
    """The words a language model found, "" where it found none; no dash in them can be taken for a parameter."""
    return " ".join(_DASHES.sub("", finished.texts[0]).split()) if finished.texts else ""


def status(wish: str, request: AnyRequest, progress: Progress) -> str:
    """The status message while a language model writes."""
    if request.kind == "translate":
        return "🌐 " + _("Translating your words") + "\n" + wish
    if progress.stage == "loading":
        return "📦 " + _("Loading the language model, the first time takes longer") + "\n" + wish
    grown = f"\n<i>{escape(shortened(progress.text, WORDS_CHARS))}</i> ✍️" if progress.text else ""
    return "✨ " + _("Looking for better words") + "\n" + wish + grown


def outcome(line: PromptLine, result: Finished | Failed | Cancelled, job_id: int) -> tuple[str, InlineKeyboardMarkup]:
    """The card with which an improvement ends, and its buttons; an honest word and one's own words where it failed."""
    if isinstance(result, Cancelled):
        return cards.cancelled(quote(line.prompt)), fallback_buttons(job_id)
    new = improved(result) if isinstance(result, Finished) else ""
    if not new:
        lacking = isinstance(result, Failed) and result.code == "missing_weights"
        return _excuse(line, result, job_id), fallback_buttons(job_id, may_help=not lacking)
    rows = ["✨ <b>" + _("Better words") + "</b>", difference(line.prompt, new)]
    if isinstance(result, Finished) and any(note.code == "cut_short" for note in result.notes):
        rows.append("💬 " + _("The answer grew too long, so I ended it at the last whole sentence."))
    rows.append(_("Nothing is drawn yet: choose."))
    return "\n".join(rows), choice_buttons(job_id)


def difference(old: str, new: str) -> str:
    """Both texts as HTML: what is new in bold, what is gone struck out; two quotes where hardly a word is common, and
    of very long texts."""
    before, after = old.split(), new.split()
    if len(before) * len(after) > MOST_COMPARED:
        return _one_after_the_other(old, new)
    matcher = difflib.SequenceMatcher(None, _plain(before), _plain(after), autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    if same < IN_COMMON * len(before) or not same:
        return _one_after_the_other(old, new)
    parts: list[str] = []
    for change, a, b, c, d in matcher.get_opcodes():
        gone, come = _cut(" ".join(before[a:b])), _cut(" ".join(after[c:d]))
        if change == "equal":
            parts.append(come)
            continue
        parts += [f"<s>{gone}</s>"] if gone else []
        parts += [f"<b>{come}</b>"] if come else []
    return _quoted(" ".join(parts))


def _one_after_the_other(old: str, new: str) -> str:
    return _("Yours:") + _quoted(_cut(old)) + _("New:") + _quoted(_cut(new))


def _excuse(line: PromptLine, result: Finished | Failed | Cancelled, job_id: int) -> str:
    match result:
        case Failed(code="missing_weights"):
            happened = _("No language model is installed here, so I cannot improve words.")
        case Failed(code="timed_out"):
            happened = _("Finding better words took too long, so I stopped.")
        case Failed(code="out_of_memory"):
            happened = _("There was not enough memory for the language model.")
        case Failed():
            happened = _("Something broke while I looked for better words.")
        case _:
            happened = _("The language model found no words that I could draw.")
    advice = _("Not your fault. Your own words are safe, and I can draw them as they are.")
    return f"⚠️ <b>{happened}</b>\n{advice}\n{quote(line.prompt)}\n<code>#{job_id}</code>"


def _plain(words: Sequence[str]) -> list[str]:
    return [re.sub(r"\W", "", word).lower() or word for word in words]


def _quoted(html: str) -> str:
    return f"<blockquote>{html}</blockquote>"


def _cut(text: str) -> str:
    return escape(shortened(text, WORDS_CHARS))
