"""What becomes of jobs, read from the ledger once they have ended."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.metrics.names import CRASHES, Counted
from inference.queue.database import reading
from inference.queue.lookups import ends_of
from inference.requests import Cancelled, Event, Failed, Finished, kind_in
from inference.requests.registry import REQUESTS

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
AT_ONCE = 200
OTHER = "other"  # a kind of an older program


class Ends:
    """Hears of jobs that have ended (`heard`) and counts them in a task of its own (`count_forever`), several by one
    statement."""

    def __init__(self, counted: Counted, database: AsyncEngine) -> None:
        self._counted = counted
        self._reading = reading(database)
        self._waiting: asyncio.Queue[int] = asyncio.Queue(MOST_WAITING)

    def heard(self, job_id: int, event: Event) -> None:
        if isinstance(event, Finished | Failed | Cancelled):
            try:
                self._waiting.put_nowait(job_id)
            except asyncio.QueueFull:
                self._counted.unread.labels("jobs").inc()

    def ran_in_vain(self, cause: str) -> None:
        """A run has ended without an end of its job."""
        self._counted.reruns.labels(cause).inc()
        if cause in CRASHES:
            self._counted.crashes.inc()

    async def count_forever(self) -> None:
        while True:
            ended = [await self._waiting.get()]
            while len(ended) < AT_ONCE and not self._waiting.empty():
                ended.append(self._waiting.get_nowait())
            try:
                await self._count(ended)
            except (SQLAlchemyError, OSError) as error:  # they are shown to people all the same
                self._counted.unread.labels("jobs").inc(len(ended))
                log.warning("%d jobs are not counted: %s", len(ended), error)

    async def _count(self, job_ids: list[int]) -> None:
        async with self._reading.connect() as connection:
            rows = (await connection.execute(ends_of(job_ids))).all()
        for row in rows:
            kind = kind_in(row.compatibility)
            kind = kind if kind in REQUESTS else OTHER
            self._counted.finished.labels(kind, row.state).inc()
            if row.started_at is not None and row.queued_at is not None:
                self._counted.wait.labels(kind).observe(max(0.0, row.started_at - row.queued_at))
            if row.state == "done" and row.started_at is not None:
                self._counted.draw.labels(kind).observe(max(0.0, row.finished_at - row.started_at))
