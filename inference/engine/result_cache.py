"""What was made of a picture once need not be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from torch import Tensor

from inference.queue.recent import Recent


class Remembered:
    """The most recently used results, on the CPU, by the very values that they were made of."""

    def __init__(self, entries: int) -> None:
        self._kept: Recent[object, Tensor] = Recent(entries)

    def of(self, make: Callable[[], Tensor], source: Tensor | None, *how: object) -> Tensor:
        """What `make()` gives for `source`; it is called only when that is not known. `how` tells ways of making
        apart."""
        key = (_print_of(source), *how)
        known = self._kept.use(key)
        if known is None:
            known = self._kept[key] = make().cpu()
        return known


def _print_of(source: Tensor | None) -> object:
    if source is None:
        return None
    values = source.detach().cpu().contiguous()
    return hashlib.blake2b(values.numpy().data, digest_size=16).digest(), values.shape, values.dtype
