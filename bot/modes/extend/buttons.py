"""Buttons with the ways to extend a picture."""

from __future__ import annotations

from typing import Literal

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs import cards
from bot.jobs.keyboards import button, markup
from bot.telegram.callbacks import DraftButton, Id
from bot.texts.i18n import _

FrameWay = Literal["left", "right", "up", "down", "zoom15", "zoom2", "square", "drop"]


class FrameButton(DraftButton, prefix="x"):
    """One of the ways to extend the picture of a draft."""

    draft_kind = "frame"

    way: FrameWay
    draft: Id


def ways(draft: int, *, square: bool) -> InlineKeyboardMarkup:
    """The ways to extend a picture."""

    def way(text: str, to: FrameWay) -> InlineKeyboardButton:
        return button(text, FrameButton(way=to, draft=draft))

    shapes = [way(f"🔍 {cards.number(1.5)}×", "zoom15"), way("🔍 2×", "zoom2")]
    if square:
        shapes.append(way("⬜ " + _("Square"), "square"))
    arrows = [way("⬅️", "left"), way("⬆️", "up"), way("⬇️", "down"), way("➡️", "right")]
    return markup(arrows, shapes, [way("✖️ " + _("Never mind"), "drop")])
