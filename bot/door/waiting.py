"""Waiting for a job: told by the queue where it runs in this program, and by the ledger in any case."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator

from bot.door.means import Means
from bot.door.refusals import failure, refusing
from bot.jobs.archive import remember
from bot.jobs.context import context_of
from inference.api import ApiError, Drawn, DrawnPicture
from inference.queue.jobs import Job
from inference.requests import Cancelled, Event, Failed, Finished, Progress

FOLLOWING_SECONDS = 0.1  # between two looks for the job that carries on another one
CANCELLING_SECONDS = 30.0  # that it may take to be there


class Waiting:
    """State: who waits for which job in this program, and whether nobody shall wait any more."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.closing = False
        self._by_job: defaultdict[int, set[Waited]] = defaultdict(set)

    def for_(self, job: Job) -> Waited:
        """Begins to wait for a job."""
        return Waited(self, job.id)

    def heard(self, job_id: int, event: Event) -> None:
        """The queue has told of a job."""
        for waited in self._by_job.get(job_id, ()):
            waited.tell(event)

    def close(self) -> None:
        self.closing = True
        for waiting in list(self._by_job.values()):
            for waited in waiting:
                waited.wake()

    def join(self, job_id: int, waited: Waited) -> None:
        self._by_job[job_id].add(waited)

    def leave(self, job_id: int, waited: Waited) -> None:
        self._by_job[job_id].discard(waited)
        if not self._by_job[job_id]:
            del self._by_job[job_id]


class Waited:
    """An order (`inference.api.Order`), the first job of which is `job`: where words have to be translated before,
    another one carries it on."""

    def __init__(self, waiting: Waiting, job_id: int) -> None:
        self.job = job_id
        self.ended: Job | None = None
        self._waiting = waiting
        self._means = waiting.means
        self._current = job_id
        self._news: Progress | None = None
        self._look = True
        self._woken = asyncio.Event()
        waiting.join(job_id, self)

    def tell(self, event: Event) -> None:
        """News of the job; of how it goes on the latest counts."""
        if isinstance(event, Progress):
            self._news = event
        elif isinstance(event, Finished | Failed | Cancelled):
            self._look = True
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """Nobody waits here any more."""
        self._waiting.leave(self._current, self)

    async def progress(self) -> AsyncIterator[Progress]:
        while self.ended is None:
            with refusing(self._means.modes):
                news = await self._next()
            if news is not None:
                yield news

    async def drawn(self) -> Drawn:
        with refusing(self._means.modes):
            while self.ended is None:
                await self._next()
            return await self._result(self.ended)

    async def cancel(self) -> None:
        """Cancels the job, or the one that carries it on."""
        deadline = time.monotonic() + CANCELLING_SECONDS
        while await self._means.queue.cancel(self._current) == "too_late" and time.monotonic() < deadline:
            job = await self._means.ledger.job(self._current)
            if job is None or not goes_on(job):
                return
            follower = await self._means.ledger.of_update(-job.id)
            if follower is None:
                await asyncio.sleep(FOLLOWING_SECONDS)
            else:
                self._current = follower.id

    async def _next(self) -> Progress | None:
        """How it goes on; None when there is nothing to tell, or it has `ended`. Raises ApiError."""
        if self._waiting.closing:
            raise ApiError(503, "restarting", "The studio is restarting.", retry_after=5)
        if self._look:
            self._look = False
            await self._look_up()
            if self.ended is not None:
                return None
        if self._news is None and not self._look:
            try:
                async with asyncio.timeout(self._means.look_seconds):
                    await self._woken.wait()
            except TimeoutError:
                self._look = True
        self._woken.clear()
        news, self._news = self._news, None
        return news

    async def _look_up(self) -> None:
        """Asks the ledger whether it has ended, and goes on with the job that carries it on."""
        job = await self._means.ledger.job(self._current)
        if job is None:
            raise ApiError(410, "gone", "This request is not known any more.")
        if not job.settled:
            return
        if not goes_on(job):
            self.ended = job
            return
        self._look = True
        follower = await self._means.ledger.of_update(-job.id)
        if follower is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FOLLOWING_SECONDS):
                    await self._woken.wait()
            return
        self._waiting.leave(self._current, self)
        self._current = follower.id
        self._waiting.join(self._current, self)

    async def _result(self, job: Job) -> Drawn:
        """Puts what was drawn into the history, if nobody has, and tells it. Raises ApiError where it is nothing."""
        outcome, means = job.outcome, self._means
        if isinstance(outcome, Failed):
            raise failure(outcome)
        if not isinstance(outcome, Finished):
            raise ApiError(409, "cancelled", "This request was cancelled.", again=False)
        pictures = await remember(means.history, means.modes, job, outcome)
        await means.ledger.mark_shown(job.id)
        if not pictures:
            raise ApiError(410, "gone", "The pictures of this request have been deleted.", again=False)
        drawn = tuple(
            DrawnPicture(one.blob, one.width, one.height, one.recipe.seed, one.recipe.request.words) for one in pictures
        )
        return Drawn(job.id, job.finished_at or job.created_at, drawn)


def goes_on(job: Job) -> bool:
    """Whether another job carries on what this one has ended."""
    return context_of(job).then is not None and not isinstance(job.outcome, Cancelled)
