"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count


def pause_after(failures: int, *, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row: `first` after one, then twice as long each, up to `longest`."""
    return min(longest, first * 2.0 ** min(failures - 1, 60))


def pauses(first: float, longest: float, *, jitter: float = 0.0) -> Iterator[float]:
    """The pauses after one failure, two, three and so on without end, in seconds.

    `jitter` is the share by which each may be longer, so that many who failed together do not try together.
    """
    for failures in count(1):
        yield pause_after(failures, first=first, longest=longest) * random.uniform(1.0, 1.0 + jitter)
