"""What keeps the whole queue from going on, noticed where it shows and told when it begins and when it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from inference.queue.jobs import Trouble
from inference.queue.ledger import Ledger
from inference.queue.wire import reason

log = logging.getLogger(__name__)

FAILURES_BEFORE_TROUBLE = 3  # of the ledger in a row
FIRST_REST_SECONDS = 30.0  # before pictures that found no room are drawn again
LONGEST_REST_SECONDS = 300.0

Troubled = Callable[[Trouble | None], None]


class Troubles:
    """State: what is wrong with ledger, engine and store. The ledger is told as well: it refuses new jobs meanwhile."""

    def __init__(self, ledger: Ledger, monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = monotonic
        self._listeners: list[Troubled] = []
        self._failures = 0
        self._of_ledger: Trouble | None = None
        self._of_engine: Trouble | None = None
        self._of_store: Trouble | None = None
        self._rests = 0  # since the store last took something
        self._rests_until = 0.0

    def listen(self, callback: Troubled) -> None:
        """Calls back with a trouble when it begins or changes, and with None when it is over. It must not block."""
        self._listeners.append(callback)

    @property
    def ledger_in_doubt(self) -> bool:
        """Whether the ledger has failed and not worked since."""
        return self._failures > 0

    def ledger_failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_TROUBLE:
            self._of_ledger = Trouble("ledger", reason(getattr(error, "orig", None) or error), error)
            self._note()

    def ledger_works(self) -> None:
        """Told by the next look at the engine, which the same turn takes."""
        self._failures, self._of_ledger = 0, None

    def workers_say(self, why: str | None, cause: Literal["engine", "queue"] = "engine") -> None:
        """Why nobody draws: there is no engine, or no way to those that are elsewhere. None while somebody does or
        nobody knows yet."""
        self._of_engine = None if why is None else Trouble(cause, why)
        self._note()

    # The store of the pictures

    @property
    def resting(self) -> bool:
        """Whether nothing is to be drawn for a while, because there was no room for what was."""
        return self._of_store is not None

    def store_is_full(self, why: str) -> None:
        """A picture found no room. Nothing more is drawn for a while, longer each time."""
        if self._of_store is None:
            self._rests_until = self._now() + min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2**self._rests)
            self._rests = min(self._rests + 1, 10)
        self._of_store = Trouble("store", why)
        self._note()

    def store_took(self) -> None:
        """There was room for a picture."""
        self._rests = 0

    def rest_is_over(self) -> bool:
        """True once, when it is time to try again whether there is room now."""
        if self._of_store is None or self._now() < self._rests_until:
            return False
        self._of_store = None
        return True

    def _note(self) -> None:
        trouble = self._of_ledger or self._of_engine or self._of_store
        before, self._ledger.trouble = self._ledger.trouble, trouble
        if (before and (before.cause, before.reason)) == (trouble and (trouble.cause, trouble.reason)):
            return
        if trouble is not None:
            log.error("nothing can be drawn: %s: %s", trouble.cause, trouble.reason)
        else:
            log.warning("the trouble is over; the queue goes on")
        for callback in self._listeners:
            try:
                callback(trouble)
            except Exception:
                log.exception("a listener failed on a trouble of the %s", trouble.cause if trouble else "past")
