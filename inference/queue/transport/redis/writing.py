"""What one side changes on the server, in order, whenever the server can be reached."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import chain, islice

from redis.asyncio import Redis

from inference.queue.transport.redis.server import FAILURES, Reach

Command = tuple[str | bytes | int, ...]  # as Redis knows it: ("HSET", key, field, value)

MOST_AT_ONCE = 100


class Changes:
    """`put` returns at once and never fails; `write_forever` carries the changes out, each at least once and in the
    order in which they were put, those of one call together or not at all."""

    def __init__(self, server: Redis, reach: Reach) -> None:
        self._server = server
        self._reach = reach
        self._waiting: deque[tuple[Command, ...]] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    def put(self, *commands: Command) -> None:
        if not commands:
            return
        self._waiting.append(commands)
        self._emptied.clear()
        self._filled.set()

    @property
    def empty(self) -> bool:
        """Whether everything has been carried out."""
        return not self._waiting

    async def flush(self, seconds: float) -> bool:
        """Waits until nothing waits any more, so long at most. Returns whether that is so."""
        try:
            async with asyncio.timeout(seconds):
                await self._emptied.wait()
        except TimeoutError:
            return False
        return True

    async def write_forever(self) -> None:
        while True:
            await self._filled.wait()
            batch = list(islice(self._waiting, MOST_AT_ONCE))
            try:
                async with self._server.pipeline(transaction=True) as pipe:
                    for command in chain.from_iterable(batch):
                        pipe.execute_command(*command)
                    await pipe.execute()
            except FAILURES as error:
                await asyncio.sleep(self._reach.failed("writing", error))
                continue
            self._reach.works("writing")
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._filled.clear()
                self._emptied.set()
