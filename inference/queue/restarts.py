"""Tasks that go on for ever: one that has ended is started again, one that hangs is ended before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

log = logging.getLogger(__name__)

STALL_NAPS = 100
END_SECONDS = 5.0  # for a task to end after it was cancelled

Work = Callable[[], Coroutine[Any, Any, None]]


class Restarted:
    """`works` by name, and a watchdog over them that calls `on_restart` before it starts one again.

    The one named `turning` says `turned` as long as all is well, and is restarted after `stall_seconds` without it.
    That time is counted in naps of the watchdog. Where others keep the loop busy, a nap takes as much longer as a turn
    does, so that whoever has only waited for the loop is not taken for one that hangs.
    """

    def __init__(
        self, works: Mapping[str, Work], *, turning: str, stall_seconds: float, on_restart: Callable[[], None]
    ) -> None:
        self._works = works
        self._turning = turning
        self._stall = stall_seconds
        self._on_restart = on_restart
        self._turns = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watchdog: asyncio.Task[None] | None = None

    def start(self) -> None:
        for name in self._works:
            self._begin(name)
        self._watchdog = asyncio.create_task(self._watch(), name="queue watchdog")

    def turned(self) -> None:
        self._turns += 1

    async def stop(self, name: str, grace_seconds: float = 0.0) -> None:
        """Ends a task for good once it had so long to end by itself. From now on nothing is restarted."""
        if self._watchdog is not None:
            await _end(self._watchdog)
        task = self._tasks.pop(name, None)
        if task is not None:
            await asyncio.wait([task], timeout=grace_seconds)
            await _end(task)

    def _begin(self, name: str) -> None:
        self._tasks[name] = asyncio.create_task(self._works[name](), name=f"queue {name}")

    async def _watch(self) -> None:
        seen, naps = self._turns, 0
        while True:
            await asyncio.sleep(self._stall / STALL_NAPS)
            naps = naps + 1 if self._turns == seen else 0
            seen = self._turns
            if naps >= STALL_NAPS:
                log.error("the dispatcher has not turned for %.0f s; restarting it", self._stall)
                await _end(self._tasks[self._turning])
            for name, task in list(self._tasks.items()):
                if task.done():
                    if not task.cancelled() and task.exception() is not None:
                        log.error("%s ended; starting it again", task.get_name(), exc_info=task.exception())
                    naps = 0
                    self._on_restart()
                    self._begin(name)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=END_SECONDS)
