"""One comparison with a recording, and how far apart two things are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

UNET, MOVQ, TEXT = "unet_t2i_tiny", "movq_tiny", "t5_context_tiny"


@dataclass(frozen=True)
class Row:
    """One comparison: the largest absolute difference against what is tolerated. `missing` names an absent file."""

    file: str
    case: str
    difference: float = math.inf
    tolerance: float = 0.0
    missing: str = ""

    @property
    def passed(self) -> bool:
        return not self.missing and self.difference <= self.tolerance  # NaN falls short


Rows = Iterator[Row]


def gap(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return math.inf
    return (ours.double() - theirs.double()).abs().max().item() if ours.numel() else 0.0


def unequal(ours: object, theirs: object) -> float:
    return 0.0 if ours == theirs else math.inf


def attended_ids(row: Tensor, mask: Tensor) -> tuple[int, ...]:
    """The ids of one recorded row that are attended to."""
    return tuple(row[0, : int(mask.sum())].tolist())
