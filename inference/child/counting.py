"""What the engine's process counts of itself, told to its parent now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inference.engine.device import memory_of
from inference.engine.loop import Engine
from inference.engine.nets import Nets
from inference.queue.figures import MOST_NETS, Figures, net_name
from inference.queue.wire import Counted

EVERY_SECONDS = 1.0


class Counting:
    """State: the time in which there was work, and what was told last. `tell` is given what has changed; `loading()`
    is how far the nets of each kind are."""

    def __init__(
        self,
        engine: Engine,
        nets: Nets,
        tell: Callable[[Counted], None],
        *,
        loading: Callable[[], dict[str, float]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._nets = nets
        self._tell = tell
        self._loading = loading
        self._clock = clock
        self._busy_seconds = 0.0
        self._told: Counted | None = None
        self._told_at = float("-inf")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, there is work. What has come of it is told afterwards, once a second."""
        began = self._clock()
        try:
            yield
        finally:
            now = self._clock()
            self._busy_seconds += now - began
        if now - self._told_at >= EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Before a rest, so that what is known of it then is true."""
        used, whole = memory_of(self._nets.device)
        figures = Figures(
            steps=self._engine.steps,
            passes=self._engine.passes,
            busy_seconds=self._busy_seconds,
            memory_used=used,
            memory_total=whole,
            nets=tuple(dict.fromkeys(map(net_name, self._nets.resident)))[-MOST_NETS:],
        )
        counted = Counted(figures=figures, loading=self._loading())
        self._told_at = self._clock()
        if counted != self._told:
            self._told = counted
            self._tell(counted)
