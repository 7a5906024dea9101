"""Buttons to choose a part of a picture. Each keyboard is a pure function of what is chosen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, Self

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from pydantic import Field, model_validator

from bot.imaging.areas import GRIDS
from bot.jobs.keyboards import Row, button, markup, rows_of
from bot.telegram.callbacks import DraftButton, Id
from bot.texts.i18n import _

AreaAction = Literal["cell", "grid", "bigger", "smaller", "go", "same", "drop", "new"]


class AreaButton(DraftButton, prefix="a"):
    """A step in choosing which part of a picture to repaint; `cell` counts by rows from 0, or is the side of a grid."""

    draft_kind = "mask"

    action: AreaAction
    draft: Id
    cell: Annotated[int, Field(ge=0, lt=max(GRIDS) ** 2)] = 0

    @model_validator(mode="after")
    def _one_of_the_grids(self) -> Self:
        if self.action == "grid" and self.cell not in GRIDS:
            raise ValueError("there is no such grid")
        return self

    def lock(self, chat_id: int, message_id: int) -> str:
        """What may ask for words holds the draft by itself, and not while the question is on its way."""
        return self.pack() if self.action in ("go", "same") else super().lock(chat_id, message_id)


def area(
    draft: int, *, grid: int, cells: Collection[int], chosen: bool, words: bool, same_words: bool, guessed: bool
) -> InlineKeyboardMarkup:
    """Under the picture of which a part is to be repainted: the cells, and once there is an area, what to do with it.

    `words`: it is known what shall be there. `same_words`: the picture's own words could be used again.
    `guessed`: it was read out of a photo that may be another picture after all.
    """
    tiles = [
        button("◼️" if cell in cells else "▫️", AreaButton(action="cell", draft=draft, cell=cell))
        for cell in range(grid * grid)
    ]
    other = next(size for size in GRIDS if size != grid)
    last: Row = [button(f"▦ {other}×{other}", AreaButton(action="grid", draft=draft, cell=other))]
    go: Row = []
    if chosen:
        last += [_step("➖ " + _("Smaller"), "smaller", draft), _step("➕ " + _("Bigger"), "bigger", draft)]
        go.append(_step("✅ " + _("Repaint"), "go", draft, style="success"))
        if same_words and not words:
            go.append(_step("🔁 " + _("Same words"), "same", draft))
    rows = [*rows_of(tiles, grid), last, [*go, _step("✖️ " + _("Never mind"), "drop", draft)]]
    return markup(*rows, [_step("🖼 " + _("This is a new picture"), "new", draft)] if guessed else [])


def _step(text: str, action: AreaAction, draft: int, style: str | None = None) -> InlineKeyboardButton:
    return button(text, AreaButton(action=action, draft=draft), style)
