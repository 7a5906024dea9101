"""When the owners were last told of each cause, in a small file: what is wrong is often the database, and a program
that dies of it and starts again must not tell it each time."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
MOST_CAUSES = 256
AHEAD_SECONDS = 60.0  # further in the future nothing can have been told: the clock has been set back


class Told:
    """State: seconds since the epoch by cause. Without a file, or with one that cannot be read, it begins with none."""

    def __init__(self, file: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._at = {} if file is None else _read(file)

    def within(self, cause: str, seconds: float) -> bool:
        """Whether a cause was told in the last so many seconds."""
        at, now = self._at.get(cause), self._clock()
        return at is not None and now - seconds < at < now + AHEAD_SECONDS

    def note(self, cause: str) -> None:
        """It is told now; the one told longest ago makes room."""
        self._at.pop(cause, None)
        while len(self._at) >= MOST_CAUSES:
            self._at.pop(min(self._at, key=self._at.__getitem__))
        self._at[cause] = self._clock()

    def forget(self, cause: str) -> None:
        """It did not arrive."""
        self._at.pop(cause, None)

    def write(self) -> None:
        """Puts it into the file, at once or not at all: what cannot be written is told again after a restart."""
        if self._file is None:
            return
        partial = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        try:
            partial.write_text(json.dumps(dict(self._at)), "utf-8")
            partial.replace(self._file)
        except OSError as refused:
            log.warning("that the owner has been told cannot be written down: %s", refused)


def _read(file: Path) -> dict[str, float]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        known = json.loads(content) if len(content) <= MAX_BYTES else None
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as unreadable:
        log.warning("%s cannot be read: %s", file, unreadable)
        return {}
    if not isinstance(known, dict):
        log.warning("%s is not what the bot writes there", file)
        return {}
    told = ((cause, at) for cause, at in known.items() if isinstance(at, int | float) and not isinstance(at, bool))
    return dict(list(told)[:MOST_CAUSES])
