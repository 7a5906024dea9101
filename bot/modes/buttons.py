"""Keyboards for working on a picture: what it can become here, a mix and its weights, the price of long work.

Each is a pure function of what is shown. What lacks its weights carries a lock, and a press says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.keyboards import Row, button, markup
from bot.modes.base import offered
from bot.store import Parent
from bot.telegram.callbacks import (
    JobButton,
    MixAction,
    MixButton,
    PictureButton,
    SourceAction,
    SourceButton,
)
from bot.texts.i18n import _
from inference.requests import ModelCard

LOCK = "🔒"


def variations(pictures: Sequence[tuple[int, int]], card: ModelCard | None) -> Row:
    """The second row under a grid, one button a picture."""
    return [_work(f"🎨 {number}", "vary", Parent(picture_id=picture), card) for number, picture in pictures]


def single(
    picture: int,
    card: ModelCard | None,
    *,
    can_refine: bool,
    starred: bool = False,
    whole_job: int | None = None,
    editable: bool = True,
    more: bool = False,
) -> InlineKeyboardMarkup:
    """Under one picture, in four rows; `more` unfolds the rarer ones. `whole_job` made nothing but this picture."""
    this = Parent(picture_id=picture)
    if more:
        return markup(
            [
                _work("🖼 " + _("Restyle"), "restyle", this, card),
                _work("✏️ " + _("Outlines"), "control", this, card),
            ],
            [
                _work("💎 " + _("Refine a little"), "refine", this, card),
                _work("💎 " + _("Refine a lot"), "redraw", this, card, "refine"),
            ],
            [
                _work("🧬 " + _("Mix"), "mix", this, card),
                _picture("📄 " + _("Original"), "file", picture),
                _picture("ℹ️ " + _("Recipe"), "recipe", picture),
            ],
            [button("↩️ " + _("Back"), SourceButton(action="less", picture=picture))],
        )
    again: Row = []
    if can_refine:
        again.append(_picture("💎 " + _("Full quality"), "full", picture))
    if whole_job is not None:
        again.append(button("🔄 " + _("Again"), JobButton(action="again", job=whole_job)))
        if editable:
            again.append(button("✏️ " + _("Edit"), JobButton(action="edit", job=whole_job)))
    return markup(
        [
            _work("🎨 " + _("Subtle"), "subtle", this, card, "vary"),
            _work("🎨 " + _("Strong"), "strong", this, card, "vary"),
            _work("🖌 " + _("Region"), "inpaint", this, card),
        ],
        [
            _work("↔️ " + _("Extend"), "outpaint", this, card),
            _work("🔎 ×2", "x2", this, card),
            _work("🔎 4K", "big", this, card),
        ],
        again,
        [
            _picture("📄 " + _("Original"), "file", picture),
            _picture("ℹ️ " + _("Recipe"), "recipe", picture),
            _picture("⭐" if starred else "☆", "star", picture),
            _picture("🗑", "delete", picture),
            button("⋯ " + _("More"), SourceButton(action="more", picture=picture)),
        ],
    )


def menu(given: Parent, card: ModelCard | None) -> InlineKeyboardMarkup:
    """Under a photo that came without words."""
    return markup(
        [_work("🎨 " + _("Vary"), "vary", given, card), _work("🖼 " + _("Restyle"), "restyle", given, card)],
        [_work("🖌 " + _("Repaint"), "inpaint", given, card), _work("↔️ " + _("Extend"), "outpaint", given, card)],
        [_work("🔎 ×2", "x2", given, card), _work("🔎 4K", "big", given, card)],
        [_work("✏️ " + _("Outlines"), "control", given, card), _work("🧬 " + _("Mix"), "mix", given, card)],
    )


def collecting(draft: int, count: int) -> InlineKeyboardMarkup:
    """While pictures are being collected; done from the second on."""
    done = [_mix("✅ " + _("Done"), "done", draft)] if count > 1 else []
    return markup([*done, _mix("✖️ " + _("Never mind"), "drop", draft)])


def weighing(draft: int, weights: Sequence[float]) -> InlineKeyboardMarkup:
    """A row a picture: less, its share, more."""
    rows: list[Row] = [
        [
            _mix("➖", "less", draft, place),
            _mix(f"{place + 1}: {round(weight * 100)} %", "more", draft, place),
            _mix("➕", "more", draft, place),
        ]
        for place, weight in enumerate(weights)
    ]
    return markup(
        *rows,
        [
            _mix("▶️ " + _("Start"), "start", draft),
            _mix("🔀 " + _("Swap"), "swap", draft),
            _mix("✖️ " + _("Never mind"), "drop", draft),
        ],
    )


def _work(
    text: str, action: SourceAction, given: Parent, card: ModelCard | None, served: str | None = None
) -> InlineKeyboardButton:
    locked = not offered(card, served or action)
    data = SourceButton(action=action, picture=given.picture_id or 0, upload=given.upload_id or 0)
    return button(f"{LOCK} {text.partition(' ')[2]}" if locked else text, data)


def _picture(text: str, action: str, picture: int) -> InlineKeyboardButton:
    return button(text, PictureButton.model_validate({"action": action, "picture": picture}))


def _mix(text: str, action: MixAction, draft: int, place: int = 0) -> InlineKeyboardButton:
    return button(text, MixButton(action=action, draft=draft, place=place))
