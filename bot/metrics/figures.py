"""All figures of a program, and what of a running studio they are read from."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from aiogram import Bot, Dispatcher
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.context import BY_PROGRAM
from bot.metrics.ends import Ends
from bot.metrics.lag import measure_lag
from bot.metrics.names import Counted
from bot.metrics.passing import CountCalls, CountUpdates, count_answer
from bot.metrics.scrape import Gauges, Moment
from bot.metrics.workers import WorkerNames
from bot.telegram.notices import Notices
from bot.telegram.outbox import Outbox
from inference.queue import dispatcher
from inference.queue.database import reading
from inference.queue.lookups import living_by_state, waiting_since

log = logging.getLogger(__name__)

ANSWER_SECONDS = 3.0


class Figures:
    """State: the counts, and how to look at the studio once there is one (`attend`)."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counted = Counted(self._registry)
        self._gauges = Gauges()
        self._registry.register(self._gauges)
        self._names = WorkerNames()
        self._looking = asyncio.Lock()
        self._studio: _Studio | None = None
        self.answered = partial(count_answer, self._counted)  # what the door for programs is to tell

    def attend(
        self,
        bot: Bot,
        updates: Dispatcher,
        queue: dispatcher.Dispatcher,
        outbox: Outbox,
        notices: Notices,
        database: AsyncEngine,
        folder: Path,
    ) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """From now on all that this studio does is counted, and its state can be asked for. Returns the chores of that,
        to be run as long as it is there. Called when the calls have all their middlewares, and the updates none yet."""
        ends = Ends(self._counted, database)
        bot.session.middleware(CountCalls(self._counted))
        updates.update.outer_middleware(CountUpdates(self._counted))
        queue.listen(ends.heard)
        queue.on_rerun(ends.ran_in_vain)
        notices.on_cause = lambda cause: self._counted.notices.labels(cause).inc()
        self._studio = _Studio(queue, outbox, database, folder)
        return ends.count_forever, partial(measure_lag, self._counted.lag)

    async def text(self) -> bytes:
        """What Prometheus reads. What cannot be read in time is left out, and counted."""
        async with self._looking:
            studio = self._studio
            self._gauges.moment = Moment() if studio is None else await self._look(studio)
            return await asyncio.to_thread(generate_latest, self._registry)

    async def _look(self, studio: _Studio) -> Moment:
        jobs = oldest = seconds = disk = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                jobs, oldest, seconds = await studio.jobs()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            self._missed("database", error)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                disk = await asyncio.to_thread(studio.disk)
        except (OSError, TimeoutError) as error:
            self._missed("disk", error)
        workers = studio.queue.seen
        trouble = studio.queue.trouble
        return Moment(
            leads=True,
            jobs=jobs,
            oldest_seconds=oldest,
            slots=studio.queue.slots,
            trouble=None if trouble is None else trouble.cause,
            outbox=studio.outbox.pacer.waiting,
            disk=disk,
            database_seconds=seconds,
            workers=workers,
            names=self._names.of(worker for worker in workers if not worker.refused),
        )

    def _missed(self, part: str, error: Exception) -> None:
        self._counted.unread.labels(part).inc()
        log.warning("the figures of the %s cannot be read: %r", part, error)


class _Studio:
    """What is looked at."""

    def __init__(self, queue: dispatcher.Dispatcher, outbox: Outbox, database: AsyncEngine, folder: Path) -> None:
        self.queue = queue
        self.outbox = outbox
        self._reading = reading(database)
        self._folder = folder

    async def jobs(self) -> tuple[dict[tuple[str, str], int], float, float]:
        """Living jobs by state and by the door they came in at, for how many seconds the one has waited that waits
        longest, and how long the database took to say so."""
        began = time.perf_counter()
        async with self._reading.connect() as connection:
            rows = (await connection.execute(living_by_state(BY_PROGRAM))).all()
            seconds = time.perf_counter() - began
            since = (await connection.execute(waiting_since())).scalar_one()
        age = 0.0 if since is None else max(0.0, time.time() - since)
        by_programs = {(row.state, "api"): row.saying for row in rows}
        in_chats = {(row.state, "chat"): row.jobs - row.saying for row in rows}
        return by_programs | in_chats, age, seconds

    def disk(self) -> tuple[int, int]:
        usage = shutil.disk_usage(self._folder)
        return usage.free, usage.total
