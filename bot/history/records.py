"""What the queries give back: plain values, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.languages import Language
from inference.requests import Kind, Recipe

PostKind = Literal["status", "grid", "single", "file", "page"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chose in the settings; None leaves the choice to the house."""

    mode: Kind | None = None
    size: str | None = None
    count: int | None = None
    style: str | None = None


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
