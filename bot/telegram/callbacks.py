"""What a button carries: an action and short ids. All else is looked up, so that buttons outlive restarts.

A client may send whatever it likes in place of a button's data, so every field has bounds, `read_button` is the only
way in, and no field says whose something is: `bot.middlewares.presses` looks that up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, get_args

from aiogram.filters.callback_data import CallbackData
from pydantic import Field, model_validator

from bot.imaging.areas import GRIDS
from bot.texts.i18n import N_
from inference.requests import MAX_SOURCES

MOST_BYTES = 64  # what Telegram lets a button carry
MOST_ID = 2**63 - 1  # what a column of the database holds

Id = Annotated[int, Field(ge=0, le=MOST_ID)]
ChatId = Annotated[int, Field(ge=-MOST_ID, le=MOST_ID)]

JobAction = Literal[
    "cancel", "queue", "again", "retry", "edit", "files", "recipe", "star", "delete", "really", "keep", "repeat"
]
PictureAction = Literal["open", "full", "file", "recipe", "star", "delete", "really", "keep", "repeat"]
SourceAction = Literal[
    "vary", "subtle", "strong", "restyle", "control", "mix", "refine", "redraw", "x2", "big",
    "inpaint", "outpaint", "more", "less",
]  # fmt: skip
MixAction = Literal["done", "more", "less", "swap", "start", "drop"]
PageAction = Literal["turn", "open", "star", "delete", "really"]
WordsAction = Literal["improve", "new", "mine", "edit", "another"]
AreaAction = Literal["cell", "grid", "bigger", "smaller", "go", "same", "drop"]
FrameWay = Literal["left", "right", "up", "down", "zoom15", "zoom2", "square", "drop"]
SettingField = Literal["menu", "language", "mode", "size", "count", "style", "close"]


class BrokenButton(ValueError):
    """No button of ours carries this."""


class Ours(CallbackData, prefix="-"):
    """What all buttons have in common."""

    def key(self, chat_id: int, message_id: int) -> str:
        """What a press under that message orders with, equal for presses that must not be doubled."""
        return self.pack()

    def lock(self, chat_id: int, message_id: int) -> str:
        """What is held while a press is looked into, so that two quick ones do not both find nothing done."""
        return self.key(chat_id, message_id)


class DraftButton(Ours, prefix="-d"):
    """A step in putting something together; `draft_kind` is the kind of draft it must be, `over` what a press is told
    when that is done with, if there is more to say than that it is gone."""

    if TYPE_CHECKING:
        draft: Id  # a field of each, at the place that it has in the button's data

    draft_kind: ClassVar[str]
    over: ClassVar[str] = N_("This is no longer there.")

    def lock(self, chat_id: int, message_id: int) -> str:
        return f"{self.draft_kind}:{self.draft}"


class JobButton(Ours, prefix="j"):
    """A button under everything a job has made, or under its status."""

    action: JobAction
    job: Id


class PictureButton(Ours, prefix="p"):
    """A button of one picture."""

    action: PictureAction
    picture: Id


class PageButton(Ours, prefix="h"):
    """A page of somebody's history; `picture` is the one to open, delete or come back from, 0 to turn the page."""

    owner: ChatId
    offset: Annotated[int, Field(ge=0, le=10**9)]
    starred: bool = False
    action: PageAction = "turn"
    picture: Id = 0


class SettingButton(Ours, prefix="s"):
    """A step in somebody's settings. A value may hold a ratio, so it is written with "x" between its numbers."""

    owner: ChatId
    field: SettingField
    value: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,32}$")] = ""


class StyleButton(Ours, prefix="y"):
    """A style in the list of /styles, to become the presser's own default."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]


class ExampleButton(Ours, prefix="e"):
    """The n-th example of the welcome, drawn for whoever presses it; pressed again, again."""

    number: Annotated[int, Field(ge=0, le=99)]

    def key(self, chat_id: int, message_id: int) -> str:
        return f"example:{chat_id}:{message_id}:{self.number}"


class CancelAllButton(Ours, prefix="c"):
    """Cancel all jobs of one person."""

    owner: ChatId


class WordsButton(Ours, prefix="w"):
    """Better words: for what a job has drawn, or a choice on those that the job has found."""

    action: WordsAction
    job: Id


class FileRecipeButton(Ours, prefix="f"):
    """Draw the recipe in the file that this card answers."""

    action: Literal["repeat"] = "repeat"

    def key(self, chat_id: int, message_id: int) -> str:
        return f"file:{chat_id}:{message_id}"


class SourceButton(Ours, prefix="o"):
    """Something to do with a picture: one of ours (`picture`) or one that somebody gave (`upload`); the other is 0."""

    action: SourceAction
    picture: Id = 0
    upload: Id = 0

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if bool(self.picture) == bool(self.upload):
            raise ValueError("a button stands for one picture")
        return self


class MixButton(DraftButton, prefix="m"):
    """A step in putting a mix together; `place` is the picture of a weight, from 0."""

    draft_kind = "mix"
    over = N_("This mix is over. Send pictures for a new one.")

    action: MixAction
    draft: Id
    place: Annotated[int, Field(ge=0, lt=MAX_SOURCES)] = 0


class OrderButton(DraftButton, prefix="k"):
    """The answer to what long work will cost."""

    draft_kind = "order"
    over = N_("This has been decided already.")

    action: Literal["start", "drop"]
    draft: Id


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


class FrameButton(DraftButton, prefix="x"):
    """One of the ways to extend the picture of a draft."""

    draft_kind = "frame"

    way: FrameWay
    draft: Id


Button = (
    JobButton | PictureButton | PageButton | SettingButton | StyleButton | ExampleButton | CancelAllButton | WordsButton
    | FileRecipeButton | SourceButton | MixButton | OrderButton | AreaButton | FrameButton
)  # fmt: skip
BUTTONS: dict[str, type[Button]] = {button.__prefix__: button for button in get_args(Button)}


def read_button(data: str | None) -> Button:
    """The button that a press carries, to the letter as `pack` has written it. Raises BrokenButton."""
    if data is None or len(data.encode("utf-8", "replace")) > MOST_BYTES:
        raise BrokenButton(data)
    kind = BUTTONS.get(data.partition(":")[0])
    if kind is None:
        raise BrokenButton(data)
    try:
        button = kind.unpack(data)
        as_written = button.pack() == data  # neither " 5" nor "05" nor "٥"
    except (TypeError, ValueError) as misfit:
        raise BrokenButton(data) from misfit
    if not as_written:
        raise BrokenButton(data)
    return button
