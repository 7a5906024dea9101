"""Buttons that draw something once more in another style, a page of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from pydantic import Field

from bot.jobs.keyboards import Row, button, chosen, markup, rows_of
from bot.prompt.styles import Style, style_name
from bot.telegram.callbacks import ButtonOfJob, Id, SourceButton
from bot.texts.i18n import _

STYLES_ON_A_PAGE = 8

StyleAction = Literal["open", "turn", "draw", "close"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,32}$")]
Page = Annotated[int, Field(ge=0, le=99)]


class StyleOfJob(ButtonOfJob, prefix="d"):
    """A style for all that a job has made, or a page of them."""

    action: StyleAction
    job: Id
    style: Slug = ""
    page: Page = 0


class StyleOfPicture(SourceButton, prefix="t"):
    """The same for one picture."""

    action: StyleAction
    style: Slug = ""
    page: Page = 0


@dataclass(frozen=True)
class This:
    """What shall have another style: all that a job has made, a picture of ours, or one that somebody gave."""

    job: int = 0
    picture: int = 0
    upload: int = 0

    @classmethod
    def of(cls, pressed: StyleOfJob | StyleOfPicture) -> This:
        if isinstance(pressed, StyleOfJob):
            return cls(job=pressed.job)
        return cls(picture=pressed.picture, upload=pressed.upload)

    def key(self, text: str, action: StyleAction, *, style: str = "", page: int = 0) -> InlineKeyboardButton:
        """A button about it."""
        if self.job:
            return button(text, StyleOfJob(action=action, job=self.job, style=style, page=page))
        one = StyleOfPicture(action=action, picture=self.picture, upload=self.upload, style=style, page=page)
        return button(text, one)


def opening(this: This) -> InlineKeyboardButton:
    """The button that unfolds the styles."""
    return this.key("🎭 " + _("Style"), "open")


def page_of(this: This, offered: Sequence[Style], now: str, page: int) -> InlineKeyboardMarkup:
    """A page of the styles on offer; the one that it has `now` is ticked."""
    pages = max(1, -(-len(offered) // STYLES_ON_A_PAGE))
    page = min(page, pages - 1)
    first = page * STYLES_ON_A_PAGE
    keys = [
        chosen(this.key(f"{style.emoji} {style_name(style.slug)}", "draw", style=style.slug), style.slug == now)
        for style in offered[first : first + STYLES_ON_A_PAGE]
    ]
    turns: Row = [this.key("↩️ " + _("Back"), "close")]
    if pages > 1:
        turns.insert(0, this.key("⬅️", "turn", page=(page - 1) % pages))
        turns.append(this.key("➡️", "turn", page=(page + 1) % pages))
    return markup(*rows_of(keys, 2), turns)


def page_with(offered: Sequence[Style], slug: str) -> int:
    """The page that a style stands on."""
    place = next((place for place, style in enumerate(offered) if style.slug == slug), 0)
    return place // STYLES_ON_A_PAGE
