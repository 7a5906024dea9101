"""What a button carries: an action and short ids. All else is looked up, so that buttons outlive restarts."""

from __future__ import annotations

from typing import Literal

from aiogram.filters.callback_data import CallbackData

JobAction = Literal[
    "cancel", "queue", "again", "retry", "edit", "files", "recipe", "star", "delete", "really", "keep", "repeat"
]
PictureAction = Literal["open", "full", "file", "recipe", "star", "delete", "really", "keep", "repeat"]
SourceAction = Literal[
    "vary", "subtle", "strong", "restyle", "control", "mix", "refine", "redraw", "x2", "big",
    "inpaint", "outpaint", "more", "less", "menu",
]  # fmt: skip
MixAction = Literal["done", "more", "less", "swap", "start", "drop"]
PageAction = Literal["turn", "open", "star", "delete", "really"]
WordsAction = Literal["improve", "new", "mine", "edit", "another"]
AreaAction = Literal["cell", "grid", "bigger", "smaller", "go", "same", "drop"]
FrameWay = Literal["left", "right", "up", "down", "zoom15", "zoom2", "square", "drop"]
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


class WordsButton(CallbackData, prefix="w"):
    """Better words: for what a job has drawn, or a choice on those that the job has found."""

    action: WordsAction
    job: int


class FileRecipeButton(CallbackData, prefix="f"):
    """Draw the recipe in the file that this card answers."""

    action: Literal["repeat"] = "repeat"


class SourceButton(CallbackData, prefix="o"):
    """Something to do with a picture: one of ours (`picture`) or one that somebody gave (`upload`); the other is 0."""

    action: SourceAction
    picture: int = 0
    upload: int = 0


class MixButton(CallbackData, prefix="m"):
    """A step in putting a mix together; `place` is the picture of a weight, from 0."""

    action: MixAction
    draft: int
    place: int = 0


class OrderButton(CallbackData, prefix="k"):
    """The answer to what long work will cost."""

    action: Literal["start", "drop"]
    draft: int


class AreaButton(CallbackData, prefix="a"):
    """A step in choosing which part of a picture to repaint; `cell` counts by rows from 0."""

    action: AreaAction
    draft: int
    cell: int = 0


class FrameButton(CallbackData, prefix="x"):
    """One of the ways to extend the picture of a draft."""

    way: FrameWay
    draft: int
