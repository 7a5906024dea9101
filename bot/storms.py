"""A log that stays readable while something fails every second: one line a minute for each cause, with a count."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

QUIET_SECONDS = 60.0
_REMEMBERED = 256

Cause = tuple[str, str, str]  # logger, message before its arguments, kind of exception


@dataclass(slots=True)
class _Storm:
    """What has come of one cause since its last line."""

    said_at: float
    withheld: int = 0
    last: logging.LogRecord | None = None


class CalmHandler(logging.StreamHandler[TextIO]):
    """Writes an error whole when it first comes, its repetitions within `quiet_seconds` as one line with their number.

    A cause is a logger, a message before its arguments, and a kind of exception. A record with `told=True` (somebody
    has been given a number that stands in it) is always written, but its traceback only once. What is still withheld
    at the end comes with `close`.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream)
        self._quiet = quiet_seconds
        self._clock = clock
        self._storms: OrderedDict[Cause, _Storm] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        now = self._clock()
        self._account(now)
        if record.levelno < logging.ERROR and not record.exc_info:
            super().emit(record)
            return
        cause = _cause(record)
        storm = self._storms.get(cause)
        if storm is None:
            self._storms[cause] = _Storm(now)
            if len(self._storms) > _REMEMBERED:
                self._sum_up(self._storms.popitem(last=False)[1])
            super().emit(record)
        elif getattr(record, "told", False):
            super().emit(_without_traceback(record))
        else:
            storm.withheld += 1
            storm.last = record

    def close(self) -> None:
        for storm in self._storms.values():
            self._sum_up(storm)
        self._storms.clear()
        super().close()

    def _account(self, now: float) -> None:
        """One line for every cause whose minute is over; one that has been quiet for a minute is new again."""
        for cause, storm in list(self._storms.items()):
            if now - storm.said_at < self._quiet:
                continue
            if storm.withheld:
                self._sum_up(storm)
                self._storms[cause] = _Storm(now)
            else:
                del self._storms[cause]

    def _sum_up(self, storm: _Storm) -> None:
        if storm.last is not None:
            again = _without_traceback(storm.last)
            error = storm.last.exc_info[1] if storm.last.exc_info else None
            about = f" ({type(error).__name__}: {_first_line(error)})" if error is not None else ""
            again.msg = f"{again.getMessage()}{about} [{storm.withheld} times more]"
            again.args = None
            super().emit(again)


def _cause(record: logging.LogRecord) -> Cause:
    kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
    return record.name, str(record.msg), kind


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    bare = logging.makeLogRecord(record.__dict__)
    bare.exc_info = bare.exc_text = bare.stack_info = None
    return bare


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:300]
