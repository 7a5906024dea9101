"""The connection to the server, for either side: how it is opened, what may go wrong with it, how its tasks end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
)

from inference.queue.address import shown_queue_url
from inference.queue.wire import reason

log = logging.getLogger(__name__)

FAILURES = (RedisError, OSError)  # the library's TimeoutError is an OSError on some versions, a RedisError on others
_REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError)
_WRONG_PASSWORD = ("invalid username-password pair", "invalid password")  # which the library calls a ConnectionError
ANSWER_SECONDS = 5.0
BLOCK_MS = 1000  # below ANSWER_SECONDS, or a quiet stream would look like a dead server
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
FAILURES_BEFORE_TROUBLE = 3
END_AGAIN_SECONDS = 0.1


def open_server(url: str) -> Redis:
    """A client that connects when it is first used and never tries a command twice by itself. Raises ValueError."""
    return Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        decode_responses=False,
    )


def refuses(error: BaseException) -> bool:
    """Whether a failure will not pass by itself: the server is there and does not take our password or our command."""
    return isinstance(error, _REFUSALS) or str(error).startswith(_WRONG_PASSWORD)


class Reach:
    """Whether the server can be reached, in the eyes of the tasks that try: told to the log when that changes.

    `trouble` is one line once several tries of a task in a row have failed, at once where the server refuses us.
    """

    def __init__(self, url: str) -> None:
        self._name = shown_queue_url(url)
        self._failures: Counter[str] = Counter()
        self._told: str | None = None
        self.trouble: str | None = None

    def works(self, task: str) -> None:
        self._failures.pop(task, None)
        if not self._failures:
            if self._told is not None:
                log.warning("the queue at %s is there again", self._name)
            self._told = self.trouble = None

    def failed(self, task: str, error: BaseException) -> float:
        """Notes a failure. Returns how many seconds to wait before the next try."""
        self._failures[task] += 1
        failures = self._failures[task]
        why = self.put(error)
        if refuses(error) or failures >= FAILURES_BEFORE_TROUBLE:
            self.trouble = why
            if why != self._told:
                log.error("%s; trying again", why)
                self._told = why
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10))

    def put(self, error: BaseException) -> str:
        """A failure in one line, without a secret."""
        if isinstance(error, OutOfMemoryError):
            return f"the queue at {self._name} is full: what its server may hold (maxmemory) is not enough"
        verb = "refuses us" if refuses(error) else "is out of reach"
        told = reason(error)
        return f"the queue at {self._name} {verb}: {told.partition(': ')[2] or told}"


async def entries_of(server: Redis, stream: str, after: str, *, count: int, block_ms: int | None) -> list[Any]:
    """Entries of a stream after an id as pairs (id, fields), the oldest first; waits for one where `block_ms` is given.

    An entry that was deleted meanwhile is not among them.
    """
    answer: Any = await server.xread({stream: after}, count=count, block=block_ms)
    return [(number, fields) for _, entries in answer or () for number, fields in entries if fields]


async def ended(task: asyncio.Task[Any] | None) -> None:
    """Ends a task that reads from the server. On Python 3.11 the library may swallow a cancellation, so it is cancelled
    until it has ended."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=END_AGAIN_SECONDS)


class Since:
    """Monotonic time since something was last so."""

    def __init__(self) -> None:
        self._at = float("-inf")

    def now(self) -> None:
        self._at = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._at
