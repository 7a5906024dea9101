"""Keyboards for working on a picture: what the modes can make of it here.

Each is a pure function of what is shown. What lacks its weights carries a lock, and a press says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.keyboards import Row, button, in_page, markup
from bot.jobs.mode import Action, Modes, View, offered
from bot.store import Parent
from bot.telegram.callbacks import JobButton, PageButton, PictureButton, SourceButton
from bot.texts.i18n import _
from inference.requests import AnyRequest, ModelCard

LOCK = "🔒"


def variations(modes: Modes[Any], pictures: Sequence[tuple[int, int]], card: ModelCard | None) -> Row:
    """The second row under a grid, one button a picture: (number on the grid, id)."""
    actions = [one for row in modes.actions("grid") for one in row]
    return [
        _action(one, Parent(picture_id=picture), card, str(number)) for one in actions for number, picture in pictures
    ]


def single(
    modes: Modes[Any],
    picture: int,
    request: AnyRequest,
    card: ModelCard | None,
    *,
    whole: AnyRequest,
    whole_job: int | None = None,
    starred: bool = False,
    more: bool = False,
    page: PageButton | None = None,
) -> InlineKeyboardMarkup:
    """Under one picture that a request has drawn; `more` unfolds the rarer ones. `whole` is what all of its job was
    for, and `whole_job` that job where it made nothing but this; `page` is the way back where it is opened in a page of
    history."""
    this = Parent(picture_id=picture)
    if more:
        *rows, last = _rows(modes, "more", this, card)
        return markup(*rows, [*last, button("↩️ " + _("Back"), SourceButton(action="less", picture=picture))])
    again: Row = []
    if whole_job is not None:
        again.append(button("🔄 " + _("Again"), JobButton(action="again", job=whole_job)))
        if modes.editable(whole):
            again.append(button("✏️ " + _("Edit"), JobButton(action="edit", job=whole_job)))
    return markup(
        *_rows(modes, "picture", this, card),
        [
            *modes.keys("picture", request, picture, card),
            button("⋯ " + _("More"), SourceButton(action="more", picture=picture)),
        ],
        again,
        [
            _picture("📄 " + _("File"), "file", picture),
            _picture("ℹ️ " + _("Recipe"), "recipe", picture),
            *([] if page else [_picture("⭐" if starred else "☆", "star", picture), _picture("🗑", "delete", picture)]),
        ],
        in_page(page, starred=starred) if page else [],
    )


def menu(modes: Modes[Any], given: Parent, card: ModelCard | None) -> InlineKeyboardMarkup:
    """Under a photo that came without words."""
    return markup(*_rows(modes, "photo", given, card))


def lacks_something(modes: Modes[Any], card: ModelCard | None) -> bool:
    """Whether there are locks in that menu."""
    return any(not offered(card, one.served_by) for row in modes.actions("photo") for one in row)


def _rows(modes: Modes[Any], view: View, given: Parent, card: ModelCard | None) -> list[Row]:
    return [[_action(one, given, card, _(one.called(view))) for one in row] for row in modes.actions(view)]


def _action(action: Action[Any], given: Parent, card: ModelCard | None, text: str) -> InlineKeyboardButton:
    icon = action.icon if offered(card, action.served_by) else LOCK
    data = SourceButton(action=action.name, picture=given.picture_id or 0, upload=given.upload_id or 0)
    return button(f"{icon} {text}", data)


def _picture(text: str, action: str, picture: int) -> InlineKeyboardButton:
    return button(text, PictureButton.model_validate({"action": action, "picture": picture}))
