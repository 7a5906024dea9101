"""What a button carries: an action and short ids. All else is looked up, so that buttons outlive restarts."""

from __future__ import annotations

from typing import Literal

from aiogram.filters.callback_data import CallbackData

JobAction = Literal[
    "cancel", "queue", "again", "retry", "edit", "files", "recipe", "star", "delete", "really", "keep", "repeat"
]
PictureAction = Literal["open", "full", "file", "recipe", "star", "delete", "really", "keep", "repeat"]
PageAction = Literal["turn", "open", "star", "delete", "really"]
SettingField = Literal["menu", "language", "mode", "size", "count", "style", "close"]


class JobButton(CallbackData, prefix="j"):
    """A button under everything a job has made, or under its status."""

    action: JobAction
    job: int


class PictureButton(CallbackData, prefix="p"):
    """A button of one picture."""

    action: PictureAction
    picture: int


class PageButton(CallbackData, prefix="h"):
    """A page of somebody's history; `picture` is the one to open, delete or come back from, 0 to turn the page."""

    owner: int
    offset: int
    starred: bool = False
    action: PageAction = "turn"
    picture: int = 0


class SettingButton(CallbackData, prefix="s"):
    """A step in somebody's settings. A value may hold a ratio, so it is written with "x" between its numbers."""

    owner: int
    field: SettingField
    value: str = ""


class StyleButton(CallbackData, prefix="y"):
    """A style in the list of /styles, to become the presser's own default."""

    slug: str


class ExampleButton(CallbackData, prefix="e"):
    """The n-th example of the welcome, drawn for whoever presses it."""

    number: int


class CancelAllButton(CallbackData, prefix="c"):
    """Cancel all jobs of one person."""

    owner: int


class FileRecipeButton(CallbackData, prefix="f"):
    """Draw the recipe in the file that this card answers."""

    action: Literal["repeat"] = "repeat"
