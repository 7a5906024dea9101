"""How far a long piece of work on files is, in one line: rewritten on a terminal, said anew after each tenth elsewhere.

It is told by the sizes of the files, from a thread of its own, so that no library has to report anything.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from inference.checkpoints.released import human_size

LOOKS_EVERY = 0.25  # seconds
SPEED_OVER = 20.0  # seconds that the speed is the mean of
WIDTH = 24  # of the bar


@contextmanager
def shown(title: str, total: int, come: Callable[[], int], out: TextIO) -> Iterator[None]:
    """Shows on `out`, while the block runs, how many of `total` bytes there are; `come` counts them."""
    line = _Line(title, total, out)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOKS_EVERY):
            line.tell(come(), time.monotonic())

    watching = threading.Thread(target=watch, name="display", daemon=True)
    line.tell(come(), time.monotonic())
    watching.start()
    whole = False
    try:
        yield
        whole = True
    finally:
        ended.set()
        watching.join()
        line.end(come(), whole=whole)


class _Line:
    """State: what has been said last, and how much had come when."""

    def __init__(self, title: str, total: int, out: TextIO) -> None:
        self._title = title
        self._total = max(1, total)
        self._out = out
        self._rewrites = out.isatty()
        self._looks: deque[tuple[float, int]] = deque()
        self._tenth = -1
        self._width = 0

    def tell(self, come: int, now: float) -> None:
        self._looks.append((now, come))
        while self._looks[0][0] < now - SPEED_OVER:
            self._looks.popleft()
        if self._rewrites:
            self._write(self._words(come))
        elif self._tenth < (tenth := 10 * come // self._total) < 10:
            self._tenth = tenth
            print(self._words(come), file=self._out, flush=True)

    def end(self, come: int, *, whole: bool) -> None:
        """What stays: of work that is `whole`, what it has come to, however large it was thought to be."""
        if whole:
            self._total = max(1, come)
        if self._rewrites:
            self._write(self._words(come))
            print(file=self._out, flush=True)
        elif whole:
            print(self._words(come), file=self._out, flush=True)

    def _write(self, words: str) -> None:
        self._out.write(f"\r{words.ljust(self._width)}")
        self._out.flush()
        self._width = len(words)

    def _words(self, come: int) -> str:
        part = min(1.0, come / self._total)
        bar = "#" * round(part * WIDTH)
        words = f"{self._title}  [{bar:<{WIDTH}}] {part:4.0%}  {human_size(come)} of {human_size(self._total)}"
        speed = self._speed()
        if speed <= 0 or come >= self._total:
            return words
        return f"{words}, {human_size(round(speed))}/s, {_minutes((self._total - come) / speed)} left"

    def _speed(self) -> float:
        """Bytes a second of late; 0 while nobody can say."""
        (first, had), (last, have) = self._looks[0], self._looks[-1]
        return (have - had) / (last - first) if last > first else 0.0


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"
