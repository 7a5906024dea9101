"""What happens to the updates in hand, written down many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.store.inbox import Changes, InboxRows
from bot.telegram.updates import Seldom
from inference.queue.backoff import pauses

log = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0


class Notes:
    """State: the changes that wait for the transaction that is under way to end; the next one takes them all."""

    def __init__(self, rows: InboxRows, on_refused: Callable[[Exception], None]) -> None:
        self._rows = rows
        self._on_refused = on_refused
        self._waiting = Changes()
        self._written: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    def begun(self, update_id: int, tries: int) -> asyncio.Future[None]:
        self._waiting.begun[update_id] = tries
        return self._soon()

    def handled(self, *update_ids: int) -> asyncio.Future[None]:
        self._waiting.handled.extend(update_ids)
        return self._soon()

    def step(self, update_id: int, step: str, result: Any) -> asyncio.Future[None]:
        self._waiting.steps[update_id, step] = result
        return self._soon()

    async def close(self, seconds: float = 5.0) -> None:
        """Waits for what is still to be written, but not for ever."""
        writing = self._writing
        if writing is not None:
            await asyncio.wait({writing}, timeout=seconds)
            writing.cancel()

    def _soon(self) -> asyncio.Future[None]:
        """Done when all that waits now is written."""
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
        written = self._written
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="notes of the inbox")
        return written

    async def _write_all(self) -> None:
        while self._waiting:
            changes, self._waiting = self._waiting, Changes()
            written, self._written = self._written, None
            await self._write(changes)
            if written is not None and not written.done():
                written.set_result(None)
        self._writing = None

    async def _write(self, changes: Changes) -> None:
        """Again and again until the database takes them: without them an update would be handled twice."""
        for pause in pauses(0.1, LONGEST_PAUSE):
            try:
                await self._rows.write(changes)
                return
            except (SQLAlchemyError, OSError) as refused:
                self._on_refused(refused)
            await asyncio.sleep(pause)


class Refusals:
    """The database's refusals: a line a cause a minute, and whoever wants to know is told."""

    def __init__(self) -> None:
        self._seldom = Seldom()
        self.on_refused: Callable[[Exception], None] | None = None

    def __call__(self, refused: Exception) -> None:
        reason = str(getattr(refused, "orig", None) or refused).splitlines()[0]
        if self._seldom.may_say(reason):
            log.error("the inbox cannot be written: %s", reason)
            if self.on_refused is not None:
                self.on_refused(refused)
