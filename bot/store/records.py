"""What the queries give back: plain values, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from bot.texts.languages import Language
from inference.requests import Kind, Recipe, Source

PostKind = Literal["status", "grid", "single", "file", "page"]
HOUSE = 0  # the owner and the chat of what is drawn for everybody; no person and no chat has this id
DraftKind = str  # belongs to whoever makes such drafts


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chose in the settings; None leaves the choice to the house. `shared`: whether everybody in a group
    may have recipe, original and a repetition of what they draw there."""

    mode: Kind | None = None
    size: str | None = None
    count: int | None = None
    style: str | None = None
    shared: bool | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`language` is the one to speak; `chosen_language` is None while it follows the client."""

    id: int
    language: Language
    chosen_language: Language | None
    preferences: Preferences
    blocked: bool


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture that has not been deleted. Its PNG lies in the blob store under `blob`."""

    id: int
    job_id: int
    tile: int
    blob: str
    width: int
    height: int
    recipe: Recipe
    owner_id: int
    chat_id: int
    parent_id: int | None
    starred: bool
    created_at: float


class Parent(BaseModel):
    """What a picture was made from: one of ours, or one that somebody gave."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    picture_id: int | None = None
    upload_id: int | None = None


class Given(Parent):
    """A picture to work from and what it is in the history."""

    source: Source

    @classmethod
    def of_picture(cls, picture: StoredPicture) -> Self:
        source = Source(blob=picture.blob, width=picture.width, height=picture.height)
        return cls(source=source, picture_id=picture.id)

    @classmethod
    def of_upload(cls, upload: Upload) -> Self:
        source = Source(blob=upload.blob, width=upload.width, height=upload.height)
        return cls(source=source, upload_id=upload.id)

    @property
    def parent(self) -> Parent:
        return Parent(picture_id=self.picture_id, upload_id=self.upload_id)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that somebody gave; upright, RGB, as PNG in the blob store."""

    id: int
    owner_id: int
    chat_id: int
    message_id: int | None
    blob: str
    width: int
    height: int
    file_unique_id: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that is being put together in a message of ours. `body` belongs to whoever made the draft, but for the
    `question` that may be asked about it (`jobs.questions`) and the message `asked` in, where that is not its own."""

    id: int
    owner_id: int
    chat_id: int
    message_id: int | None
    kind: DraftKind
    body: dict[str, Any]
    created_at: float
    closed_at: float | None

    @property
    def asked(self) -> int | None:
        """The message that asks for words, as far as it is known."""
        return self.body.get("asked", self.message_id)


@dataclass(frozen=True, slots=True)
class Post:
    """A message of ours that has to do with a job or a picture."""

    chat_id: int
    message_id: int
    job_id: int | None
    picture_id: int | None
    kind: PostKind
    file_id: str | None
    file_unique_id: str | None
    created_at: float
