"""What an owner has to know and nobody else would say: looked for now and then, and heard where it shows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from bot.telegram.outbox import Outbox
from bot.troubles import OwnersCause, cause_of, cause_of_trouble, reason_of
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Trouble
from inference.queue.ledger import Ledger
from inference.requests import Event, Failed

log = logging.getLogger(__name__)

Tell = Callable[[OwnersCause, str], None]

WORKERS_EVERY, DATABASE_EVERY, BLOBS_EVERY = 5.0, 30.0, 60.0
NOBODY_SECONDS = 120.0  # without a worker
NOBODY_LOCALLY_SECONDS = 900.0  # the same beside the bot, where one that starts reads its weights first
SLOW_SECONDS = 2.0
SLOW_TIMES = 3  # in a row: a copy of everything, or a large statement, may take that long once
SILENT_SECONDS = 30.0


class Lookout:
    """State: since when nobody draws, and how often the database was slow. `tell` is that of `Notices`;
    the one worker may be `beside_us`."""

    def __init__(
        self,
        tell: Tell,
        queue: Dispatcher,
        ledger: Ledger,
        blobs: BlobStore,
        *,
        beside_us: bool = False,
        silent_seconds: float = SILENT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._queue = queue
        self._ledger = ledger
        self._blobs = blobs
        self._patience = NOBODY_LOCALLY_SECONDS if beside_us else NOBODY_SECONDS
        self._silent = silent_seconds
        self._now = monotonic
        self._nobody_since: float | None = None
        self._slow = 0

    def attend(self, outbox: Outbox) -> None:
        """Hears from now on of trouble in the queue, of jobs that end engines, and of Telegram's patience ending."""
        self._queue.on_trouble(self._troubled)
        self._queue.listen(self._heard)
        outbox.on_flood = self._flooded

    async def look_forever(self) -> None:
        looks = ((WORKERS_EVERY, self.workers), (DATABASE_EVERY, self.database), (BLOBS_EVERY, self.blobs))
        await asyncio.gather(*(_again(seconds, look) for seconds, look in looks))

    async def workers(self) -> None:
        """Whether somebody draws, and whether somebody would that speaks another protocol."""
        for worker in self._queue.seen:
            if worker.refused:
                self._tell("version", f"{worker.life}: {worker.refused}")
        if self._queue.slots or self._queue.trouble is not None:  # which is told as what it is
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = self._now()
        elif (seconds := self._now() - self._nobody_since) >= self._patience:
            self._tell("workers", f"no worker takes jobs, for {seconds / 60:.0f} minutes now")

    async def database(self) -> None:
        """Whether the ledger takes something, and how soon."""
        began = self._now()
        proof = asyncio.ensure_future(self._ledger.prove())
        try:
            if not (await asyncio.wait({proof}, timeout=self._silent))[0]:
                self._tell("slow", f"no answer for {self._silent:.0f} s")
            await proof
        except (SQLAlchemyError, OSError) as error:
            self._slow = 0
            self._tell(cause_of(error) or "database", reason_of(error))
            return
        finally:
            proof.cancel()
        seconds = self._now() - began
        self._slow = self._slow + 1 if seconds > SLOW_SECONDS else 0
        if self._slow >= SLOW_TIMES:
            self._tell("slow", f"{seconds:.1f} s for one small write, {self._slow} times in a row")

    async def blobs(self) -> None:
        """Whether pictures can be kept. Known before one is drawn that cannot be stored."""
        proof = asyncio.ensure_future(asyncio.to_thread(self._blobs.prove))
        if not (await asyncio.wait({proof}, timeout=self._silent))[0]:
            self._tell("blobs", f"no answer for {self._silent:.0f} s")
        try:
            await proof
        except Exception as error:  # whatever the driver of somebody's store may raise
            self._tell("disk" if cause_of(error) == "disk" else "blobs", reason_of(error))

    def _troubled(self, trouble: Trouble | None) -> None:
        if trouble is not None:
            self._tell(cause_of_trouble(trouble), trouble.reason)

    def _heard(self, job_id: int, event: Event) -> None:
        if isinstance(event, Failed) and event.code == "engine_crashed":
            self._tell("dead", f"job {job_id}: {event.message}")

    def _flooded(self, seconds: float) -> None:
        self._tell("flood", f"429 again and again; nothing is sent for {seconds:.0f} s")


async def _again(seconds: float, look: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await look()
        except Exception:
            log.exception("a look at what is out of order failed; the next one is in %.0f s", seconds)
