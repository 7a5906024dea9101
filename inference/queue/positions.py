"""Tells those who wait how their place and time change, seldom enough to be read."""

from __future__ import annotations

import time
from collections.abc import Callable

from inference.queue.fairness import Outlook
from inference.queue.ledger import Ledger
from inference.requests import Event, Queued

QUIET_SECONDS = 10.0
NOTABLE_CHANGE = 0.2
NOTABLE_PLACES = frozenset({1, 2, 3, 5, 10})
BREATHER = 20  # a look at a long queue is followed by this many times its duration without one


def notable(told: Outlook, now: Outlook, quiet_seconds: float) -> bool:
    """Whether a change is worth a message, `quiet_seconds` after the last one."""
    if now.possible != told.possible or (now.place != told.place and now.place in NOTABLE_PLACES):
        return True
    if quiet_seconds < QUIET_SECONDS:
        return False
    if (now.eta_seconds is None) != (told.eta_seconds is None):
        return True
    return _differs(now.place, told.place) or _differs(now.eta_seconds or 0.0, told.eta_seconds or 0.0)


def _differs(now: float, before: float) -> bool:
    return abs(now - before) > NOTABLE_CHANGE * before


class Tidings:
    """Remembers what each waiting job was told last, and when."""

    def __init__(
        self, ledger: Ledger, tell: Callable[[int, Event], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._tell = tell
        self._now = monotonic
        self._told: dict[int, tuple[Outlook, float]] = {}
        self._changed = False
        self._rest_until = 0.0
        self._look_at = float("inf")

    def changed(self) -> None:
        """The queue has moved: look again when the breather is over."""
        self._changed = True

    def forget(self, job_id: int) -> None:
        """The job is told anew if it waits again."""
        self._told.pop(job_id, None)

    async def spread(self) -> None:
        """Tells what is notable, if it is time to look. Without waiting jobs this costs nothing."""
        began = self._now()
        if began < self._rest_until or not (self._changed or began >= self._look_at):
            return
        self._changed = False
        outlooks = await self._ledger.outlooks(announced=True)
        for job_id, outlook in outlooks.items():
            told = self._told.get(job_id)
            if told is None or notable(told[0], outlook, began - told[1]):
                self._told[job_id] = (outlook, began)
                place, eta, possible = outlook.place, outlook.eta_seconds, outlook.possible
                self._tell(job_id, Queued(place=place, eta_seconds=eta, possible=possible))
        for job_id in self._told.keys() - outlooks.keys():
            del self._told[job_id]
        self._rest_until = began + max(0.25, BREATHER * (self._now() - began))
        self._look_at = began + QUIET_SECONDS if outlooks else float("inf")
