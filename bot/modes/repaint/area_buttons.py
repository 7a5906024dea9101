"""Buttons to choose a part of a picture or a way to extend it. Each keyboard is a pure function of what is chosen."""

from __future__ import annotations

from collections.abc import Collection

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.imaging.areas import GRIDS
from bot.jobs.keyboards import Row, button, markup, rows_of
from bot.telegram.callbacks import AreaAction, AreaButton, FrameButton, FrameWay
from bot.texts.i18n import _


def area(
    draft: int, *, grid: int, cells: Collection[int], chosen: bool, words: bool, same_words: bool
) -> InlineKeyboardMarkup:
    """Under the picture of which a part is to be repainted: the cells, and once there is an area, what to do with it.

    `words`: it is known what shall be there. `same_words`: the picture's own words could be used again.
    """
    tiles = [
        button("🟥" if cell in cells else "▫️", AreaButton(action="cell", draft=draft, cell=cell))
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
    return markup(*rows_of(tiles, grid), last, [*go, _step("✖️ " + _("Never mind"), "drop", draft)])


def ways(draft: int, *, square: bool) -> InlineKeyboardMarkup:
    """The ways to extend a picture."""

    def way(text: str, to: FrameWay) -> InlineKeyboardButton:
        return button(text, FrameButton(way=to, draft=draft))

    shapes = [way("🔍 1.5×", "zoom15"), way("🔍 2×", "zoom2")]
    if square:
        shapes.append(way("⬜ " + _("Square"), "square"))
    arrows = [way("⬅️", "left"), way("⬆️", "up"), way("⬇️", "down"), way("➡️", "right")]
    return markup(arrows, shapes, [way("✖️ " + _("Never mind"), "drop")])


def _step(text: str, action: AreaAction, draft: int, style: str | None = None) -> InlineKeyboardButton:
    return button(text, AreaButton(action=action, draft=draft), style)
