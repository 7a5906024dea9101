"""Buttons of better words, and those under what was found."""

from __future__ import annotations

from typing import Literal

from aiogram.types import InlineKeyboardMarkup

from bot.jobs import keyboards
from bot.telegram.callbacks import ButtonOfJob, Id, Shows
from bot.texts.i18n import _

WordsAction = Literal["improve", "new", "mine", "edit", "another"]


class WordsButton(ButtonOfJob, prefix="w"):
    """Better words: for what a job has drawn, or a choice on those that the job has found."""

    action: WordsAction
    job: Id

    @property
    def shows(self) -> Shows | None:
        return "status" if self.action == "mine" else None


def choice_buttons(job_id: int) -> InlineKeyboardMarkup:
    def press(text: str, action: WordsAction, style: str | None = None) -> keyboards.Row:
        return [keyboards.button(text, WordsButton(action=action, job=job_id), style)]

    return keyboards.markup(
        press("✅ " + _("Use new"), "new", "success") + press("↩️ " + _("Keep mine"), "mine"),
        press("✏️ " + _("Edit"), "edit") + press("🔄 " + _("Other words"), "another"),
    )


def fallback_buttons(job_id: int, *, may_help: bool = True) -> InlineKeyboardMarkup:
    """One's own words, and another try where it may help."""
    again = keyboards.button("🔄 " + _("Try again"), WordsButton(action="another", job=job_id))
    return keyboards.markup(
        [keyboards.button("▶️ " + _("Draw my words"), WordsButton(action="mine", job=job_id), "success")],
        [again] if may_help else [],
    )
