"""Inline keyboards. Each is a pure function of what is shown, so that it can be built again after a restart."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence

from aiogram.filters.callback_data import CallbackData
from aiogram.types import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.cards import COPY_LIMIT
from bot.telegram.callbacks import (
    CancelAllButton,
    ExampleButton,
    FileRecipeButton,
    JobAction,
    JobButton,
    OrderButton,
    PageAction,
    PageButton,
    PictureAction,
    PictureButton,
)
from bot.texts.i18n import _

BUTTON_CHARS = 48
ROW_LETTERS = 40  # of a row on a narrow phone, the edges of its buttons included
NUMBERS_IN_A_ROW = 5

Row = list[InlineKeyboardButton]


def button(text: str, data: CallbackData, style: str | None = None) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=data.pack(), style=style)


def rows_of(buttons: Sequence[InlineKeyboardButton], width: int) -> list[Row]:
    return [list(buttons[start : start + width]) for start in range(0, len(buttons), width)]


def markup(*rows: Row) -> InlineKeyboardMarkup:
    """Rows of buttons, each split where a phone would cut what stands on its buttons."""
    return InlineKeyboardMarkup(inline_keyboard=[part for row in rows if row for part in _fitting(row)])


def width(text: str) -> int:
    """How wide a label is, in letters: an emoji is as wide as two."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" or sign == "\ufe0f" for sign in text)
    return len(text.replace("\ufe0f", "")) + wide


def room(buttons: int) -> int:
    """How wide a label may be, see `width`, where so many buttons share a row of a narrow phone."""
    return ROW_LETTERS // buttons - 1


def _fitting(row: Row) -> list[Row]:
    """The row in as few rows as its labels fit, as even as can be."""
    widest = max(width(key.text) for key in row)
    columns = next((count for count in range(len(row), 1, -1) if widest <= room(count)), 1)
    lines = -(-len(row) // columns)
    return rows_of(row, -(-len(row) // lines))


def ticked(keys: InlineKeyboardMarkup, used: Collection[str]) -> InlineKeyboardMarkup:
    """The same keyboard with a tick on every button whose data is `used`."""
    return markup(*([chosen(key, key.callback_data in used) for key in row] for row in keys.inline_keyboard))


def chosen(key: InlineKeyboardButton, now: bool) -> InlineKeyboardButton:
    """The button, where it has been used or is chosen `now` with the mark of that, and a colour if clients show one."""
    return key.model_copy(update={"text": f"{key.text} ✓", "style": "primary"}) if now else key


def status(job_id: int) -> InlineKeyboardMarkup:
    return markup(
        [
            _job("❌ " + _("Cancel"), "cancel", job_id),
            _job("🕓 " + _("Queue"), "queue", job_id),
        ]
    )


def retry(job_id: int, *, editable: bool = True) -> InlineKeyboardMarkup:
    edit = [_job("✏️ " + _("Edit"), "edit", job_id)] if editable else []
    return markup([_job("🔄 " + _("Try again"), "retry", job_id), *edit])


def grid(
    job_id: int,
    pictures: Sequence[tuple[int, int]],
    *,
    opened: Collection[int] = (),
    starred: bool = False,
    editable: bool = True,
    variations: Sequence[InlineKeyboardButton] = (),
    more: Sequence[InlineKeyboardButton] = (),
    names: Mapping[int, str] | None = None,
) -> InlineKeyboardMarkup:
    """Under several pictures. `pictures` are (number on the grid, id); those in `opened` (ids) were posted already;
    `variations` are a row of their own, `more` comes after "again". Pictures with `names` (by id) stand two in a
    row."""
    edit = [_job("✏️ " + _("Edit"), "edit", job_id)] if editable else []
    numbers = [
        chosen(
            button(f"⬆ {(names or {}).get(picture, number)}", PictureButton(action="open", picture=picture)),
            picture in opened,
        )
        for number, picture in pictures
    ]
    return markup(
        *rows_of(numbers, 2 if names else NUMBERS_IN_A_ROW),
        *rows_of(variations, NUMBERS_IN_A_ROW),
        [_job("🔄 " + _("Again"), "again", job_id), *edit, *more],
        [
            _job("📄 " + _("Files"), "files", job_id),
            _job("ℹ️ " + _("Recipe"), "recipe", job_id),
            _job(_star(starred), "star", job_id),
            _job("🗑", "delete", job_id),
        ],
    )


def confirm_job(job_id: int) -> InlineKeyboardMarkup:
    return markup(
        [
            _job("🗑 " + _("Delete for good"), "really", job_id, style="danger"),
            _job("↩️ " + _("Keep"), "keep", job_id),
        ]
    )


def confirm_picture(picture: int) -> InlineKeyboardMarkup:
    return markup(
        [
            _picture("🗑 " + _("Delete for good"), "really", picture, style="danger"),
            _picture("↩️ " + _("Keep"), "keep", picture),
        ]
    )


def confirm_order(draft: int) -> InlineKeyboardMarkup:
    return markup(
        [
            button("▶️ " + _("Start"), OrderButton(action="start", draft=draft), "success"),
            button("✖️ " + _("Never mind"), OrderButton(action="drop", draft=draft)),
        ]
    )


def new_words(draft: int) -> InlineKeyboardMarkup:
    """Under words that were changed too late."""
    return markup(
        [
            button("🎨 " + _("Draw the new words"), OrderButton(action="start", draft=draft), "success"),
            button("✖️ " + _("Never mind"), OrderButton(action="drop", draft=draft)),
        ]
    )


def recipe(copied: str, *, job_id: int | None = None, picture: int | None = None) -> InlineKeyboardMarkup:
    """Under a recipe: copy the line (where one says it all, and a button can hold it) and draw exactly the same."""
    buttons: Row = []
    if copied and len(copied) <= COPY_LIMIT:
        buttons.append(InlineKeyboardButton(text="📋 " + _("Copy"), copy_text=CopyTextButton(text=copied)))
    again = "🔁 " + _("Repeat exactly")
    if picture is not None:
        buttons.append(_picture(again, "repeat", picture))
    elif job_id is not None:
        buttons.append(_job(again, "repeat", job_id))
    else:
        buttons.append(button(again, FileRecipeButton()))
    return markup(buttons)


def examples(sentences: Sequence[str]) -> InlineKeyboardMarkup | None:
    """One tap to a first picture."""
    if not sentences:
        return None
    return markup(
        *([button(f"▶️ {_short(sentence)}", ExampleButton(number=number))] for number, sentence in enumerate(sentences))
    )


def queue(owner: int, jobs: Sequence[tuple[int, str]]) -> InlineKeyboardMarkup | None:
    """Under one's own waiting jobs, each with its place and prompt."""
    if not jobs:
        return None
    rows: list[Row] = [[_job(f"❌ {_short(prompt)}", "cancel", job)] for job, prompt in jobs]
    if len(jobs) > 1:
        rows.append([button("❌ " + _("Cancel all"), CancelAllButton(owner=owner))])
    return markup(*rows)


def page(
    owner: int, pictures: Sequence[tuple[int, int]], *, offset: int, size: int, total: int, starred: bool
) -> InlineKeyboardMarkup:
    """Under a page of history: open by number, turn the page, all or favourites."""

    def turn(text: str, to: int, only_starred: bool = starred) -> InlineKeyboardButton:
        return button(text, PageButton(owner=owner, offset=to, starred=only_starred))

    numbers = [
        button(str(number), PageButton(owner=owner, offset=offset, starred=starred, action="open", picture=picture))
        for number, picture in pictures
    ]
    turns: Row = []
    if offset > 0:
        turns.append(turn("⬅️ " + _("Newer"), max(0, offset - size)))
    if offset + size < total:
        turns.append(turn(_("Older") + " ➡️", offset + size))
    filters = [turn("🖼 " + _("All"), 0, False) if starred else turn("⭐ " + _("Favourites only"), 0, True)]
    return markup(*rows_of(numbers, 3), turns, filters)


def in_page(page: PageButton, *, starred: bool) -> Row:
    """Under a picture opened in a page of history: back to the page, star, delete."""

    def step(text: str, action: PageAction) -> InlineKeyboardButton:
        return button(text, page.model_copy(update={"action": action}))

    return [step("↩️ " + _("Back"), "turn"), step(_star(starred), "star"), step("🗑 " + _("Delete"), "delete")]


def confirm_opened(owner: int, picture: int, *, offset: int, starred_only: bool) -> InlineKeyboardMarkup:
    def answer(text: str, action: PageAction, style: str | None = None) -> InlineKeyboardButton:
        data = PageButton(owner=owner, offset=offset, starred=starred_only, action=action, picture=picture)
        return button(text, data, style)

    return markup([answer("🗑 " + _("Delete for good"), "really", "danger"), answer("↩️ " + _("Keep"), "open")])


def _job(text: str, action: JobAction, job_id: int, style: str | None = None) -> InlineKeyboardButton:
    return button(text, JobButton(action=action, job=job_id), style)


def _picture(text: str, action: PictureAction, picture: int, style: str | None = None) -> InlineKeyboardButton:
    return button(text, PictureButton(action=action, picture=picture), style)


def _star(starred: bool) -> str:
    return "⭐" if starred else "☆"


def _short(text: str) -> str:
    return text if len(text) <= BUTTON_CHARS else text[: BUTTON_CHARS - 1].rstrip() + "…"
