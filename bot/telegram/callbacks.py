"""What a button carries: an action and short ids. All else is looked up, so that buttons outlive restarts.

A client may send whatever it likes in place of a button's data, so every field has bounds, `read_button` is the only
way in, and no field says whose something is: `bot.middlewares.presses` looks that up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from aiogram.filters.callback_data import CallbackData
from pydantic import Field, model_validator

from bot.texts.i18n import N_

MOST_BYTES = 64  # what Telegram lets a button carry
MOST_ID = 2**63 - 1  # what a column of the database holds

Id = Annotated[int, Field(ge=0, le=MOST_ID)]
ChatId = Annotated[int, Field(ge=-MOST_ID, le=MOST_ID)]

JobAction = Literal[
    "cancel", "queue", "again", "retry", "edit", "files", "recipe", "star", "delete", "really", "keep", "repeat"
]
PictureAction = Literal["open", "full", "file", "recipe", "star", "delete", "really", "keep", "repeat"]
PageAction = Literal["turn", "open", "star", "delete", "really"]
KeyAction = Literal["menu", "new", "hide", "revoke", "really"]
SettingField = Literal["menu", "language", "mode", "size", "count", "style", "shared", "close"]


Shows = Literal["status", "grid", "single"]


class BrokenButton(ValueError):
    """No button of ours carries this."""


class Ours(CallbackData, prefix="-"):
    """What all buttons have in common. Every class of them is known by its prefix from its definition on."""

    known: ClassVar[dict[str, type[Ours]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__prefix__.isalpha():
            taken = Ours.known.setdefault(cls.__prefix__, cls)
            if taken is not cls:
                raise TypeError(f"{cls.__name__} and {taken.__name__} share the prefix {cls.__prefix__!r}")

    @property
    def shows(self) -> Shows | None:
        """What the message shows under which this button stands, where that is sure."""
        return None

    @property
    def for_everybody(self) -> bool:
        """Whether everybody in a group may press it under what was made there, where its owner has not said otherwise.
        Whoever presses is `person` then."""
        return False

    @property
    def foreign(self) -> str:
        """The English source of what somebody is told who may not press it, because it is another's."""
        return N_("This is somebody else's picture. Send me your own words!")

    def key(self, chat_id: int, message_id: int) -> str:
        """What a press under that message orders with, equal for presses that must not be doubled."""
        return self.pack()

    def lock(self, chat_id: int, message_id: int) -> str:
        """What is held while a press is looked into, so that two quick ones do not both find nothing done."""
        return self.key(chat_id, message_id)


class ButtonOfJob(Ours, prefix="-j"):
    """A button that has to do with a job."""

    if TYPE_CHECKING:
        job: Id


class DraftButton(Ours, prefix="-d"):
    """A step in putting something together; `draft_kind` is the kind of draft it must be, `over` what a press is told
    when that is done with, if there is more to say than that it is gone."""

    if TYPE_CHECKING:
        draft: Id  # a field of each, at the place that it has in the button's data

    draft_kind: ClassVar[str]
    over: ClassVar[str] = N_("This is no longer there.")

    def fits(self, kind: str) -> bool:
        """Whether a draft of this kind may have such a button."""
        return kind == self.draft_kind

    @property
    def foreign(self) -> str:
        return N_("This choice is somebody else's. Reply to the picture with a command of your own!")

    def lock(self, chat_id: int, message_id: int) -> str:
        return f"{self.draft_kind}:{self.draft}"


class JobButton(ButtonOfJob, prefix="j"):
    """A button under everything a job has made, or under its status."""

    action: JobAction
    job: Id

    @property
    def shows(self) -> Shows | None:
        if self.action in ("queue", "retry"):
            return "status"
        return "grid" if self.action in ("star", "really") else None

    @property
    def for_everybody(self) -> bool:
        return self.action in ("again", "repeat", "files", "recipe")

    @property
    def foreign(self) -> str:
        if self.action in ("cancel", "queue", "retry"):
            return N_("This is somebody else's request. Yours: /queue")
        return super().foreign


class PictureButton(Ours, prefix="p"):
    """A button of one picture."""

    action: PictureAction
    picture: Id

    @property
    def shows(self) -> Shows | None:
        return "single" if self.action in ("star", "really") else None

    @property
    def for_everybody(self) -> bool:
        return self.action in ("repeat", "file", "recipe")


class PageButton(Ours, prefix="h"):
    """A page of somebody's history; `picture` is the one to open, delete or come back from, 0 to turn the page."""

    owner: ChatId
    offset: Annotated[int, Field(ge=0, le=10**9)]
    starred: bool = False
    action: PageAction = "turn"
    picture: Id = 0

    @property
    def foreign(self) -> str:
        return N_("These are somebody else's pictures. Yours: /history")


class SettingButton(Ours, prefix="s"):
    """A step in somebody's settings. A value may hold a ratio, so it is written with "x" between its numbers."""

    owner: ChatId
    field: SettingField
    value: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,32}$")] = ""

    @property
    def foreign(self) -> str:
        return N_("These are somebody else's settings. Yours: /settings")


class KeyButton(Ours, prefix="r"):
    """Something to do with the keys that one's programs draw with; `number` is the id of one, 0 for none."""

    owner: ChatId
    action: KeyAction
    number: Id = 0

    @property
    def foreign(self) -> str:
        return N_("These are somebody else's keys. Yours: /apikey")


class StyleButton(Ours, prefix="y"):
    """A style in the list of /styles, to become the presser's own default."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]

    def lock(self, chat_id: int, message_id: int) -> str:
        return f"style:{chat_id}:{message_id}"


class ExampleButton(Ours, prefix="e"):
    """The n-th example of the welcome, drawn for whoever presses it; pressed again, again."""

    number: Annotated[int, Field(ge=0, le=99)]

    def key(self, chat_id: int, message_id: int) -> str:
        return f"example:{chat_id}:{message_id}:{self.number}"


class GuideButton(Ours, prefix="g"):
    """A chapter of the help, or all of it, for whoever reads it."""

    chapter: Literal["all", "photos", "words", "finer", "known"]

    def lock(self, chat_id: int, message_id: int) -> str:
        return f"help:{chat_id}:{message_id}"


class CancelAllButton(Ours, prefix="c"):
    """Cancel all jobs of one person."""

    owner: ChatId

    @property
    def foreign(self) -> str:
        return N_("These are somebody else's requests. Yours: /queue")


class FileRecipeButton(Ours, prefix="f"):
    """Draw the recipe in the file that this card answers."""

    action: Literal["repeat"] = "repeat"

    def key(self, chat_id: int, message_id: int) -> str:
        return f"file:{chat_id}:{message_id}"


class SourceButton(Ours, prefix="o"):
    """Something to do with a picture: one of ours (`picture`) or one that somebody gave (`upload`); the other is 0.
    Its action is one of a mode's (`bot.jobs.mode.Action`), or unfolds the rarer ones."""

    action: Annotated[str, Field(pattern=r"^[a-z0-9]{1,12}$")]
    picture: Id = 0
    upload: Id = 0

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if bool(self.picture) == bool(self.upload):
            raise ValueError("a button stands for one picture")
        return self

    @property
    def shows(self) -> Shows | None:
        return "single" if self.action == "less" else None


class OrderButton(DraftButton, prefix="k"):
    """The answer to what long work will cost."""

    draft_kind = "order"
    over = N_("This has been decided already.")

    action: Literal["start", "drop"]
    draft: Id


class AskedButton(DraftButton, prefix="n"):
    """Never mind what has been asked, whatever it was about."""

    draft_kind = "asked"

    draft: Id

    def fits(self, kind: str) -> bool:
        return True


class KeptButton(DraftButton, prefix="q"):
    """Under requests that found no room: take them now, or never mind."""

    draft_kind = "kept"

    action: Literal["take", "drop"]
    draft: Id


def read_button(data: str | None) -> Ours:
    """The button that a press carries, to the letter as `pack` has written it. Raises BrokenButton."""
    if data is None or len(data.encode("utf-8", "replace")) > MOST_BYTES:
        raise BrokenButton(data)
    kind = Ours.known.get(data.partition(":")[0])
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
