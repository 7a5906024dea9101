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
MOST_TOGETHER = 4

StyleAction = Literal["open", "turn", "draw", "compare", "samples", "close"]
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


def pages_of(offered: Sequence[Style]) -> list[Sequence[Style]]:
    """The styles on offer, page by page."""
    return [offered[start : start + STYLES_ON_A_PAGE] for start in range(0, len(offered), STYLES_ON_A_PAGE)]


def on_page(offered: Sequence[Style], page: int) -> Sequence[Style]:
    """The styles of a page, or of the last one."""
    pages = pages_of(offered)
    return pages[min(page, len(pages) - 1)] if pages else ()


def page_of(this: This, offered: Sequence[Style], now: str, page: int, *, samples: bool) -> InlineKeyboardMarkup:
    """A page of the styles on offer, or the last one; the one that it has `now` is ticked. `samples` says whether there
    can be samples of these."""
    pages = max(1, len(pages_of(offered)))
    page = min(page, pages - 1)
    shown = on_page(offered, page)
    keys = [
        chosen(this.key(f"{style.emoji} {style_name(style.slug)}", "draw", style=style.slug), style.slug == now)
        for style in shown
    ]
    turns: Row = [this.key("↩️ " + _("Back"), "close")]
    if pages > 1:
        turns.insert(0, this.key("⬅️", "turn", page=(page - 1) % pages))
        turns.append(this.key("➡️", "turn", page=(page + 1) % pages))
    samples_key: Row = [this.key("🖼 " + _("Samples"), "samples", page=page)] if samples else []
    return markup(*rows_of(keys, 2), _comparing(this, shown), samples_key, turns)


def _comparing(this: This, shown: Sequence[Style]) -> Row:
    """Buttons that draw the styles of a page side by side, four at a time."""
    if len(shown) < 2:
        return []
    if len(shown) <= MOST_TOGETHER:
        return [this.key("🆎 " + _("Side by side"), "compare", style=shown[0].slug)]
    upper, lower = shown[0].slug, shown[MOST_TOGETHER].slug
    return [
        this.key("🆎 " + _("Upper four"), "compare", style=upper),
        this.key("🆎 " + _("Lower four"), "compare", style=lower),
    ]


def seen_together(offered: Sequence[Style], slug: str) -> Sequence[Style]:
    """Up to four styles from this one on, all of its page, and the last four where that has fewer after it; none where
    it is not on offer."""
    shown = on_page(offered, page_with(offered, slug))
    place = next((place for place, style in enumerate(shown) if style.slug == slug), len(shown))
    if place == len(shown):
        return ()
    place = min(place, max(0, len(shown) - MOST_TOGETHER))
    return shown[place : place + MOST_TOGETHER]


def page_with(offered: Sequence[Style], slug: str) -> int:
    """The page that a style stands on."""
    place = next((place for place, style in enumerate(offered) if style.slug == slug), 0)
    return place // STYLES_ON_A_PAGE
