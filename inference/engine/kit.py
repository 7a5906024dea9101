"""A family at work: what the engine asks of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor

from inference.engine.asks import Pipeline
from inference.engine.sheets import draw_each, steps_of_each
from inference.requests import Request, Sheet


class PipelineSpec(NamedTuple):
    """How a type of request is drawn: `start(request, kit)` gives its pipeline, the kit being its tools, and
    `steps(request)` how many steps its asks will count."""

    start: Callable[[Any, Any], Pipeline]
    steps: Callable[[Any], int]


class Kit:
    """The nets of a family behind its asks, opened on a device. Only `pipelines` and `answer` have to be its own."""

    @property
    def pipelines(self) -> Mapping[type[Request], PipelineSpec]:
        """How each type of request that the family knows is drawn."""
        raise NotImplementedError

    def answer(self, asks: Sequence[Any], *, room: int, lean: bool) -> list[object]:
        """Answers to asks of one sharing key, in their order; a single one may have more rows than there is `room` for.

        `lean` takes as little at a time as there can be. May raise torch.OutOfMemoryError or MissingWeights.
        """
        raise NotImplementedError

    def nets_for(self, ask: Any) -> tuple[str, ...]:
        """Those of the nets of an ask that it takes now, as they are called; fewer where something is known already."""
        return tuple(map(self.named, ask.nets))

    def takes(self, kind: str) -> tuple[str, ...]:
        """The nets that requests of a kind take here, as they are called; none where it is another family's."""
        return ()

    def named(self, net: str) -> str:
        """What one of the nets of its asks is called among those of all families."""
        return net

    def room(self, ask: Any, most: int) -> int:
        """Rows that a pass for an ask may have, where passes may have `most` in general."""
        return most

    def colours(self, x0: Tensor) -> Tensor | None:
        """A rough look at an estimate that was shown: uint8 [B, 3, h, w] on the CPU, or None while there is no cheap
        way."""
        return None

    def forget(self) -> None:
        """Drops what takes memory besides nets and can be made again."""

    @property
    def in_float32(self) -> Kit | None:
        """The same family with every net in float32, and with nothing in memory that was made otherwise; None where
        that is how it computes. It is the same one each time, and its nets have names of their own."""
        return None

    def leave(self) -> None:
        """Drops all of its nets, too; they are read from disk when they are needed again."""
        self.forget()

    def warm(self, kinds: Collection[str]) -> None:
        """Loads what the first of these kinds of request will need, as far as it fits without moving anything out."""

    def revisions(self, request: Request) -> dict[str, str]:
        """Short names of the very bytes of the weights that a request is drawn with, by net, for its recipe."""
        return {}


def drawn_by(kits: Sequence[Kit], request: Request) -> tuple[Kit, PipelineSpec]:
    """The family that draws a request, and how; a sheet is drawn by whoever draws its pictures. Raises LookupError
    where none does."""
    if isinstance(request, Sheet):
        kit, spec = drawn_by(kits, request.of)
        return kit, PipelineSpec(partial(draw_each, spec.start), partial(steps_of_each, spec.steps))
    for kit in kits:
        if type(request) in kit.pipelines:
            return kit, kit.pipelines[type(request)]
    raise LookupError(f"no family draws {type(request).__name__}")
