"""What a pipeline yields, and what the engine must know of it: how to batch, count and tell it, never what it is.

A pipeline is a generator: it yields asks and is sent the answers. It never touches a net, so it reads like the method
it implements and can be tested by answering by hand; who answers may put the asks of many pipelines into one pass.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from inference.requests import Note, Stage


class Ask:
    """What a run needs of heavy nets next. Each family has its own asks, frozen values, and answers them."""

    __slots__ = ()

    @property
    def nets(self) -> tuple[str, ...]:
        """Names of the nets it takes."""
        return ()

    @property
    def key(self) -> object:
        """Asks of one family with equal keys can be answered in one pass; None shares with nobody."""
        return None

    @property
    def rows(self) -> int:
        """Rows it takes in a batch."""
        return 1

    @property
    def steps(self) -> int:
        """Steps of its run that it counts for."""
        return 1

    @property
    def stage(self) -> Stage:
        """What a person is told it is for."""
        return "drawing"

    @property
    def reading(self) -> bool:
        """Whether it is short, and what it prepares for can then share passes: such asks go first."""
        return False

    def words(self, answer: Any) -> str | None:
        """What its answer lets a person read already: "" for nothing yet, None where it is not about words."""
        return None


class Aside(Ask):
    """What a pipeline says by the way. It costs no pass. Answer: None, at once."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Show(Aside):
    """The present estimate of what is being drawn, for previews, in whatever form the family's kit can look at."""

    x0: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Ready(Aside):
    """A picture that is whole while others of its job are not: pixels uint8 [H, W, 3] of the seed number `tile`, as
    they will be in the `Drawing`. They are not written to any more. Whoever stops the job keeps it."""

    tile: int
    pixels: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a pipeline returns: pixels uint8 [H, W, 3] of every picture in the order of the seeds or a text for each,
    and what a person should know."""

    pictures: tuple[Tensor, ...] = ()
    notes: tuple[Note, ...] = ()
    texts: tuple[str, ...] = ()


Pipeline = Generator[Ask, Any, Drawing]


class Tools(Protocol):
    """The light things that any pipeline may use without asking: where tensors live, and the pictures it works from."""

    @property
    def device(self) -> torch.device: ...

    def picture(self, digest: str) -> Tensor:
        """Pixels uint8 [H, W, 3] on the CPU, upright, whatever file was sent. Raises BlobMissing, UnreadablePicture."""

    def mask(self, digest: str) -> Tensor:
        """Pixels uint8 [H, W] of a grey PNG on the CPU. Raises BlobMissing, UnreadablePicture."""
