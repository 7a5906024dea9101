"""The studio as the door's protocols see it: orders of programs go the way of all orders, in the name of their person.

What is taken in is on disk, as are the keys under which it may be asked for again, before it is drawn; whoever waits
for it waits for the ledger's word. No chat has a message of it, and its pictures are in the person's history.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from bot.door.composing import composed
from bot.door.keys import Keys
from bot.door.means import Means
from bot.door.refusals import refusing
from bot.door.waiting import Waited, Waiting
from bot.jobs.context import JobContext
from bot.jobs.messages import NOWHERE
from bot.jobs.translation import translated_first
from inference.api import ApiError, Caller, DrawnPicture, Line, Once, Order, Place, Wish
from inference.queue.jobs import Accepted, Job, OutOfOrder
from inference.queue.logs import of_job
from inference.requests import ModelCard

log = logging.getLogger(__name__)

COMING_BACK_SECONDS = 60.0  # in which somebody may ask again for what can be asked for again


class House:
    """State: who waits for which job, and what is still to be done for those who have gone."""

    def __init__(self, means: Means, keys: Keys) -> None:
        self._means = means
        self._keys = keys
        self._waiting = Waiting(means)
        self._waiters: Counter[int] = Counter()
        self._left: dict[int, asyncio.TimerHandle] = {}  # jobs that somebody may come back for
        self._cancelling: set[asyncio.Task[None]] = set()
        means.queue.listen(self._waiting.heard)

    @property
    def folder(self) -> Path:
        return self._means.folder

    @property
    def card(self) -> ModelCard | None:
        return self._means.queue.card

    @property
    def ready(self) -> bool:
        queue = self._means.queue
        return queue.card is not None and queue.slots > 0 and queue.trouble is None and not self._waiting.closing

    def close(self) -> None:
        """Nobody is kept waiting any more: they are told to come again. What can be asked for again goes on."""
        self._waiting.close()
        for later in self._left.values():
            later.cancel()
        self._left.clear()

    async def gone(self) -> None:
        """Returns when what nobody waits for is cancelled."""
        await asyncio.gather(*self._cancelling, return_exceptions=True)

    async def caller(self, key: str, address: str) -> Caller:
        with refusing(self._means.modes):
            return await self._keys.caller(key, address)

    async def make_room(self, caller: Caller, size: int) -> None:
        with refusing(self._means.modes):
            await self._means.room.make(caller.id, size)

    @asynccontextmanager
    async def ordered(self, caller: Caller, wish: Wish, once: Once | None) -> AsyncIterator[Order]:
        """See `inference.api.house.House`."""
        if self._waiting.closing:
            raise ApiError(503, "restarting", "The studio is restarting.", retry_after=5)
        with refusing(self._means.modes):
            job = await self._taken(caller, wish, once)
        asked = "job %d: asked for by key %s of person %d"
        log.info(asked, job.id, caller.key, caller.id, extra=of_job(job.id))
        waited = self._waiting.for_(job)
        if (later := self._left.pop(job.id, None)) is not None:
            later.cancel()
        self._waiters[job.id] += 1
        try:
            yield waited
        finally:
            waited.close()
            self._waiters[job.id] -= 1
            if not self._waiters[job.id]:
                del self._waiters[job.id]
                if waited.ended is None:
                    self._leave(waited, once is not None)

    async def file(self, picture: DrawnPicture, kind: Literal["png", "jpeg", "webp"], quality: int) -> bytes:
        with refusing(self._means.modes):
            if kind == "png":
                return await asyncio.to_thread(self._means.blobs.get, picture.blob)
            return await self._means.decoder.encoded(picture.blob, kind, quality)

    async def line(self, caller: Caller) -> Line:
        with refusing(self._means.modes):
            jobs = [job for job in await self._means.ledger.active() if not job.stopping]
            outlooks = await self._means.ledger.outlooks()
        own = []
        for job in (job for job in jobs if job.owner_id == caller.id):
            outlook = outlooks.get(job.id)
            eta = outlook.eta_seconds if outlook else None
            own.append(Place(job.id, job.state, outlook.place if outlook else None, eta))
        return Line(self.ready, len(outlooks), len(jobs) - len(outlooks), tuple(own))

    async def _taken(self, caller: Caller, wish: Wish, once: Once | None) -> Job:
        """The job of an order: the one that it has made before, where it was asked for once already."""
        means = self._means
        update_id = None
        if once is not None:
            update_id, known = await self._known(caller, once)
            if known is not None:
                return known
        if means.queue.card is None:
            raise ApiError(503, "not_ready", "No worker has introduced itself yet.", retry_after=10)
        if means.queue.trouble is not None:
            raise OutOfOrder(means.queue.trouble)
        accepted = await self._accepted(caller, wish, update_id, means.queue.card)
        if accepted.job.state == "new":
            await means.ledger.announce(accepted.job.id, NOWHERE)
            means.queue.wake()
        return accepted.job

    async def _known(self, caller: Caller, once: Once) -> tuple[int, Job | None]:
        """The update id of what is asked for once, and its job. One that was cancelled is no answer: it begins anew."""
        calls, key = self._means.history.calls, hashlib.sha256(once.key.encode()).hexdigest()
        update_id = await calls.begun(caller.id, key, once.asked)
        job = await self._means.ledger.of_update(update_id)
        if job is not None and (job.state == "cancelled" or job.stopping):
            await calls.forget(update_id)
            return await calls.begun(caller.id, key, once.asked), None
        return update_id, job

    async def _accepted(self, caller: Caller, wish: Wish, update_id: int | None, card: ModelCard) -> Accepted:
        means = self._means
        person = await means.history.person(caller.id, None)
        made, parents = await composed(means, caller.id, wish, card)
        context = JobContext(
            language=person.language,
            line=made.line,
            styles=made.styles,
            parents=parents,
            remarks=tuple((said.code, said.detail) for said in made.remarks),
            unknown=made.unknown,
            by_program=True,
        )
        request, context = translated_first(made.request, context, card)
        return await means.ledger.accept(
            update_id=update_id, owner_id=caller.id, chat_id=caller.id, request=request, **context.told()
        )

    def _leave(self, waited: Waited, once: bool) -> None:
        """Nobody waits for a job any more: it is cancelled, unless somebody comes back for it in time."""
        if not once:
            self._give_up(waited)
        elif not self._waiting.closing:  # the next life of the studio draws it, and whoever asks again finds it
            later = asyncio.get_running_loop().call_later(COMING_BACK_SECONDS, self._give_up, waited)
            self._left[waited.job] = later

    def _give_up(self, waited: Waited) -> None:
        self._left.pop(waited.job, None)
        if waited.job in self._waiters:
            return
        log.info("job %d: nobody waits for it any more", waited.job, extra=of_job(waited.job))
        task = asyncio.create_task(waited.cancel(), name=f"give up job {waited.job}")
        self._cancelling.add(task)
        task.add_done_callback(partial(self._given_up, waited.job))

    def _given_up(self, job_id: int, task: asyncio.Task[None]) -> None:
        self._cancelling.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error, extra=of_job(job_id))
