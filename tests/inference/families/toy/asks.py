"""What the toy's pipeline asks for."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from inference.engine.asks import Ask
from inference.requests import Stage


class _OfThePainter(Ask):
    __slots__ = ()

    @property
    def nets(self) -> tuple[str, ...]:
        return ("painter",)


@dataclass(frozen=True, slots=True)
class Read(_OfThePainter):
    """Words into the state that painting begins with. Answer: [n, 2C]."""

    text: bytes

    @property
    def reading(self) -> bool:
        return True

    @property
    def stage(self) -> Stage:
        return "encoding"


@dataclass(frozen=True, slots=True, eq=False)
class Paint(_OfThePainter):
    """The next tile, after a tile of colour `last`, given what has been painted: `state` [n, 2C], longer by a row each
    time. Answer: likelihoods of the colours [COLOURS] on the CPU, and the state [n + 1, 2C]."""

    last: int
    state: Tensor

    @property
    def key(self) -> object:
        return "paint"  # whatever their lengths: a pass pads the shorter ones
