"""What a sequence of the decoder consists of, and what each of its positions may see.

A sequence is a text, a square picture row by row, and in RUDOLPH a second text. Whoever is in a text sees all that
came before. A position in the picture sees the first text and, in each layer, some of the picture before it: the last
row, its column, or a window around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

Sight = Literal["row", "column", "window", "last"]
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Layout:
    """`text` and `right` count the tokens of both texts, a picture has `grid`×`grid`.

    `kernel` is the side of the window that every fourth layer sees, 0 where there is no such layer, and `last_kernel`
    that of the last layer. In a `shifted` sequence (the second version of ruDALL-E) one more token stands in front,
    while its masks are the same, so that a position in the picture sees what the code it predicts would see; and its
    windows go on at the other side of the picture.
    """

    text: int
    grid: int
    right: int = 0
    kernel: int = 0
    last_kernel: int = 11
    shifted: bool = False

    @property
    def positions(self) -> int:
        """How many tokens can be fed."""
        return self.text + self.grid**2 + self.right

    @property
    def picture(self) -> range:
        """The places of a picture's codes in the sequence."""
        start = self.text + self.shifted
        return range(start, start + self.grid**2)

    def sight(self, layer: int, layers: int) -> Sight:
        """What layer `layer` of `layers` sees of a picture."""
        if layer % 4 == 1:
            return "column"
        if layer == layers - 1:
            return "last"
        return "window" if self.kernel and layer % 4 == 3 else "row"


@cache
@torch.inference_mode(False)  # whoever asks first may be drawing, whoever asks next may train
def mask(layout: Layout, sight: Sight, device: torch.device = CPU) -> Tensor:
    """Which positions (columns) each position (rows) sees, bool [S, S]."""
    query = torch.arange(layout.positions, device=device)[:, None]
    key = query.T
    a, b, n = query - layout.text, key - layout.text, layout.grid  # cells of the picture
    match sight:
        case "row":
            near = a - b <= n
        case "column":
            near = (a - b) % n == 0
        case "window" | "last":
            reach = (layout.kernel if sight == "window" else layout.last_kernel) // 2
            near = _apart(a // n, b // n, layout) <= reach
            near &= _apart(a % n, b % n, layout) <= reach
    both_in_picture = (a >= 0) & (b >= 0) & (a < n * n)
    return (key <= query) & (near | ~both_in_picture)


def _apart(a: Tensor, b: Tensor, layout: Layout) -> Tensor:
    distance = (a - b).abs()
    return distance.minimum(layout.grid - distance) if layout.shifted else distance


@cache
@torch.inference_mode(False)
def narrow_reads(layout: Layout, sight: Sight, device: torch.device = CPU) -> tuple[Tensor, Tensor]:
    """The positions that each position before the second text sees, long [S', R], and which of those count, bool.

    R is the largest number that any sees; where one sees fewer, it is itself named again, and does not count.
    """
    seen = mask(layout, sight)[: layout.text + layout.grid**2]
    count = seen.sum(1, keepdim=True)
    most = int(count.max())
    itself = torch.arange(len(seen))[:, None]
    counts = torch.arange(most) < count
    reads = seen.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
    return reads.where(counts, itself).to(device), counts.to(device)
