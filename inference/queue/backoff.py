"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Iterator


def pauses(first: float, longest: float, *, jitter: float = 0.0) -> Iterator[float]:
    """Seconds before each further try, without end: `first`, then twice the last one, never more than `longest`.

    `jitter` is the share by which a pause may be longer, so that many who failed together do not try together.
    """
    pause = min(first, longest)
    while True:
        yield pause * random.uniform(1.0, 1.0 + jitter)
        pause = min(2 * pause, longest)
