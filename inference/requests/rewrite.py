"""Words made out of words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from inference.requests.base import Price, Worded

REWRITE_WORK = 40.0  # in megapixel passes: what a few dozen words take


class Rewrite(Worded):
    """A better prompt from a language model, or the same words in English. Makes text, no picture."""

    PRICES: ClassVar[Mapping[str, Price]] = {"beautify": Price(1.0, 0.0), "translate": Price(1.0, 0.0)}

    kind: Literal["beautify", "translate"]

    @property
    def passes(self) -> int:
        return 1

    @property
    def size(self) -> tuple[int, int]:
        return 0, 0

    @property
    def cost(self) -> float:
        return REWRITE_WORK
