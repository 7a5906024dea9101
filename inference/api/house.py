"""What stands behind the protocols: whoever knows persons, limits and the queue implements `House`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from inference.api.wishes import Wish
from inference.requests import ModelCard, Progress

Format = Literal["png", "jpeg", "webp"]


@dataclass(frozen=True)
class Caller:
    """Who asks: the person's id, and what their key begins with."""

    id: int
    key: str


@dataclass(frozen=True)
class Once:
    """What makes two requests one: the `key` that the program has chosen, and the sha256 (hex) of what it `asked`."""

    key: str
    asked: str


@dataclass(frozen=True)
class DrawnPicture:
    """A picture that is there. `words` are those that it was drawn by."""

    blob: str
    width: int
    height: int
    seed: int
    words: str


@dataclass(frozen=True)
class Drawn:
    """How an order has ended. `created` is in seconds since the epoch."""

    job: int
    created: float
    pictures: tuple[DrawnPicture, ...]


@dataclass(frozen=True)
class Place:
    """One of the caller's own orders that has not ended; `place` counts from 1, None where it is being drawn."""

    job: int
    state: str
    place: int | None
    eta_seconds: float | None


@dataclass(frozen=True)
class Line:
    """The queue as one caller may see it: of others only how many there are."""

    ready: bool
    waiting: int
    running: int
    own: tuple[Place, ...]


class Order(Protocol):
    """An order that the studio has taken in."""

    @property
    def job(self) -> int: ...

    def progress(self) -> AsyncIterator[Progress]:
        """How it goes on, until it has ended; what nobody has asked for in time is left out. Raises ApiError."""
        ...

    async def drawn(self) -> Drawn:
        """Waits for its end. Raises ApiError where that is no picture."""
        ...


class House(Protocol):
    """All methods raise ApiError."""

    @property
    def folder(self) -> Path:
        """Where files lie on their way."""
        ...

    @property
    def card(self) -> ModelCard | None:
        """What can be drawn; None until that is known."""
        ...

    @property
    def ready(self) -> bool:
        """Whether anything would be drawn now."""
        ...

    async def caller(self, key: str, address: str) -> Caller:
        """Whose key this is. `address` is where it came from."""
        ...

    async def make_room(self, caller: Caller, size: int) -> None:
        """Returns when so many bytes more may be kept of the caller."""
        ...

    def ordered(self, caller: Caller, wish: Wish, once: Once | None) -> AbstractAsyncContextManager[Order]:
        """Takes an order in; inside, somebody waits for it. Where the block is left before the end, nobody does any
        more, and it is cancelled: at once, or a while later if it may be asked for again."""
        ...

    async def file(self, picture: DrawnPicture, kind: Format, quality: int) -> bytes:
        """The bytes of a picture; `quality`, from 1 to 100, is for JPEG and WebP."""
        ...

    async def line(self, caller: Caller) -> Line:
        """The queue."""
        ...
