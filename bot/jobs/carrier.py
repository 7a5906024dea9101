"""Pictures of workers that share no disk with the bot: brought from the queue's server before anybody hears of them.

Where worker and bot name the same store there is nothing to bring, and one look says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import logging
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing

from redis.exceptions import RedisError

from inference.blobs import BlobMissing, BlobStore
from inference.blobs.relay import LENT_SECONDS, Relay
from inference.queue.figures import WorkerSeen
from inference.queue.transport import Assignment, Capacity, Delivery, JobReport
from inference.requests import Cancelled, Failed, Finished, pictures_in

log = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
PAUSE_SECONDS = 1.0
LOOKS = 3  # until a picture is nowhere: a folder of another machine may show a new file a moment later
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Carrier:
    """A delivery whose reports come once their pictures are in our store, and which answers workers that ask for what
    theirs are made of. Until the server can be reached, reports wait; so does whatever comes behind them."""

    def __init__(self, delivery: Delivery, relay: Relay, blobs: BlobStore) -> None:
        self._delivery, self._relay, self._blobs = delivery, relay, blobs
        self._over = threading.Event()
        self._lending: threading.Thread | None = None

    @property
    def owns_workers(self) -> bool:
        return self._delivery.owns_workers

    async def start(self) -> None:
        self._lending = threading.Thread(target=self._lend_forever, name="lending pictures", daemon=True)
        self._lending.start()
        await self._delivery.start()

    async def close(self, grace_seconds: float = 10.0) -> None:
        self._over.set()
        await self._delivery.close(grace_seconds)
        if self._lending is not None:
            await asyncio.to_thread(self._lending.join, grace_seconds)
        self._relay.close()

    async def capacity(self) -> Capacity:
        return await self._delivery.capacity()

    def seen(self) -> tuple[WorkerSeen, ...]:
        return self._delivery.seen()

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        await self._delivery.submit(assignment, worker)

    async def cancel(self, job_id: int) -> None:
        await self._delivery.cancel(job_id)

    def where(self, job_id: int) -> str | None:
        return self._delivery.where(job_id)

    async def known(self) -> frozenset[int] | None:
        return await self._delivery.known()

    async def events(self) -> AsyncIterator[JobReport]:
        async with aclosing(self._delivery.events()) as reports:  # type: ignore[type-var]  # they are generators
            async for report in reports:
                yield await self._with_pictures(report)

    # Results

    async def _with_pictures(self, report: JobReport) -> JobReport:
        """The report, once its pictures are here; a failure that is drawn again where they never will be."""
        event = report.event
        if not isinstance(event, Finished | Cancelled) or not event.pictures:
            return report
        digests = {picture.blob for picture in pictures_in(event)}
        try:
            absent = await self._brought(digests)
        except OSError as full:
            return _instead(report, Failed(code="disk_full", message=f"OSError: {full}", retryable=True))
        if not absent:
            return report
        log.warning("job %d: %d pictures have come neither to our store nor to the queue", report.job_id, len(absent))
        if isinstance(event, Cancelled):
            there = tuple(picture for picture in event.pictures if picture.blob not in absent)
            return report.model_copy(update={"event": event.model_copy(update={"pictures": there})})
        advice = "does BLOBS_URL of its worker name the bot's store, or queue://?"
        failure = Failed(code="internal", message=f"its pictures have not come to the bot; {advice}", retryable=True)
        return _instead(report, failure)

    async def _brought(self, digests: Collection[str]) -> set[str]:
        """Brings pictures into our store; those that are nowhere. Raises OSError where our disk is full."""
        told, looks = False, 0
        while True:
            try:
                looks += 1
                absent = await asyncio.to_thread(self._bring, digests)
                if not absent or looks >= LOOKS:
                    return absent
            except Exception as error:  # whatever the driver of somebody's store may raise
                if isinstance(error, OSError) and error.errno in _FULL:
                    raise
                if not told:
                    log.warning("a picture cannot be brought from the queue, trying again: %s", type(error).__name__)
                told = True
            await asyncio.sleep(PAUSE_SECONDS)

    def _bring(self, digests: Collection[str]) -> set[str]:
        absent = {digest for digest in digests if not self._blobs.exists(digest)}
        for digest in sorted(absent):
            if (content := self._relay.fetch(digest)) is not None:
                self._blobs.put(content)
                absent.discard(digest)
        with contextlib.suppress(RedisError, OSError):  # what stays there goes by itself
            self._relay.forget(digests)
        return absent

    # What they are made of

    def _lend_forever(self) -> None:
        while not self._over.is_set():
            try:
                if (digest := self._relay.asked(LISTEN_SECONDS)) is not None:
                    self._lend(digest)
            except Exception as error:  # of either store; the worker asks again
                log.debug("a worker's wish cannot be heard or answered: %s", type(error).__name__)
                self._over.wait(PAUSE_SECONDS)

    def _lend(self, digest: str) -> None:
        try:
            content = self._blobs.get(digest)
        except BlobMissing:
            self._relay.lacks(digest)
            return
        self._relay.send(digest, io.BytesIO(content), seconds=LENT_SECONDS)


def _instead(report: JobReport, failure: Failed) -> JobReport:
    """The same report, entry and all, with another event."""
    return report.model_copy(update={"event": failure})
