"""Buttons of a mix that is being put together. Each keyboard is a pure function of what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from pydantic import Field

from bot.jobs.keyboards import Row, button, markup
from bot.telegram.callbacks import DraftButton, Id
from bot.texts.i18n import N_, _
from inference.requests import MAX_SOURCES

MixAction = Literal["done", "more", "less", "swap", "start", "drop"]


class MixButton(DraftButton, prefix="m"):
    """A step in putting a mix together; `place` is the picture of a weight, from 0."""

    draft_kind = "mix"
    over = N_("This mix is over. Send pictures for a new one.")

    action: MixAction
    draft: Id
    place: Annotated[int, Field(ge=0, lt=MAX_SOURCES)] = 0


def collecting(draft: int, count: int) -> InlineKeyboardMarkup:
    """While pictures are being collected; done from the second on."""
    done = [_mix("✅ " + _("Done"), "done", draft)] if count > 1 else []
    return markup([*done, _mix("✖️ " + _("Never mind"), "drop", draft)])


def weighing(draft: int, weights: Sequence[float]) -> InlineKeyboardMarkup:
    """A row a picture: less, its share, more."""
    rows: list[Row] = [
        [
            _mix("➖", "less", draft, place),
            _mix(f"{place + 1}: {share} %", "more", draft, place),
            _mix("➕", "more", draft, place),
        ]
        for place, share in enumerate(percents(weights))
    ]
    return markup(
        *rows,
        [
            _mix("▶️ " + _("Start"), "start", draft),
            _mix("🔀 " + _("Swap"), "swap", draft),
            _mix("✖️ " + _("Never mind"), "drop", draft),
        ],
    )


def percents(weights: Sequence[float]) -> list[int]:
    """Whole per cents of each that add up to a hundred: what rounding leaves goes where it is missed most."""
    total = sum(weights)
    exact = [100 * weight / total if total else 100 / len(weights) for weight in weights]
    shares = [int(share) for share in exact]
    missed = sorted(range(len(exact)), key=lambda place: shares[place] - exact[place])
    for place in missed[: 100 - sum(shares)]:
        shares[place] += 1
    return shares


def _mix(text: str, action: MixAction, draft: int, place: int = 0) -> InlineKeyboardButton:
    return button(text, MixButton(action=action, draft=draft, place=place))
