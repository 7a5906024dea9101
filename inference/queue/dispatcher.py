"""Releases a job only when a slot is free, and takes what workers report back into the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from inference.queue.figures import WorkerSeen
from inference.queue.handover import Handover
from inference.queue.jobs import Trouble, Verdict
from inference.queue.ledger import Ledger
from inference.queue.logs import about, of_job
from inference.queue.positions import Tidings
from inference.queue.restarts import Restarted
from inference.queue.running import Running, share
from inference.queue.transport import Delivery, Interrupted, JobReport, WorkerOffer
from inference.queue.troubles import Troubled, Troubles
from inference.requests import (
    Cancelled,
    Event,
    Failed,
    Finished,
    ModelCard,
    Picture,
    Progress,
    Started,
    Stopping,
    pictures_in,
)

log = logging.getLogger(__name__)

Listener = Callable[[int, Event], None]
Unclaimed = Callable[[Sequence[Picture]], Awaitable[None]]
Rerun = Callable[[str], None]

PAUSE_SECONDS = 1.0  # after a failure of the ledger


class Dispatcher:
    """The only one who releases jobs. Holds nothing that a restart would miss: the ledger is the truth.

    `tick_seconds` is how often it looks without being woken (no SQL unless something has changed or is due),
    `reconcile_seconds` how often it compares the ledger with what the workers know, `stall_seconds` after how long
    without a turn it restarts itself: seconds of a loop that turns, since all stand still together in a busy one.
    `stop_seconds` is how long a worker may take to say what was ready of a job that was cancelled there.
    """

    def __init__(
        self,
        ledger: Ledger,
        delivery: Delivery,
        *,
        tick_seconds: float = 0.1,
        reconcile_seconds: float = 5.0,
        stall_seconds: float = 10.0,
        stop_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._delivery = delivery
        self._handover = Handover(delivery, stop_seconds, monotonic)
        self._tick = tick_seconds
        self._reconcile_every = reconcile_seconds
        self._now = monotonic
        self._listeners: list[Listener] = []
        self._unclaimed: Unclaimed | None = None
        self._on_rerun: Rerun = lambda _cause: None
        self._troubles = Troubles(ledger, monotonic)
        self._tidings = Tidings(ledger, self._tell, monotonic)
        self._running = Running(monotonic)
        self._found: set[int] = set()  # running, and started before this life: how long they have taken is not known
        self._woken = asyncio.Event()
        self._changed = True
        self._retry_at: float | None = None
        self._reconcile_at = 0.0
        self._workers: tuple[WorkerOffer, ...] = ()
        self._card: ModelCard | None = None
        self._tasks = Restarted(
            {"releasing": self._release_forever, "reporting": self._report_forever},
            turning="releasing",
            stall_seconds=stall_seconds,
            on_restart=self.wake,
        )

    @property
    def card(self) -> ModelCard | None:
        """What the workers that are there can draw between them, after the last one has gone what it could; None until
        one has introduced itself."""
        return self._card

    @property
    def slots(self) -> int:
        """Jobs that the live workers take at a time, as last seen."""
        return sum(worker.slots for worker in self._workers)

    @property
    def seen(self) -> tuple[WorkerSeen, ...]:
        """Who is there to draw, as last seen."""
        return self._delivery.seen()

    @property
    def trouble(self) -> Trouble | None:
        """Why the queue does not go on until somebody has mended something; None while all is well."""
        return self._ledger.trouble

    def on_trouble(self, callback: Troubled) -> None:
        """Calls back with a trouble when it begins or changes, and with None when it is over. It must not block."""
        self._troubles.listen(callback)

    def listen(self, callback: Listener) -> None:
        """Calls back with (job id, event) after the ledger has committed it. It must not block."""
        self._listeners.append(callback)

    def on_unclaimed(self, callback: Unclaimed) -> None:
        """Calls back with pictures of a cancelled job that came when its end was settled: nobody will show them."""
        self._unclaimed = callback

    def on_rerun(self, callback: Rerun) -> None:
        """Calls back when a run has ended and its job has not: with the cause of an `Interrupted`, or with "retry" for
        a failure that may pass. It must neither block nor raise."""
        self._on_rerun = callback

    def wake(self) -> None:
        """A job has been announced or cancelled: look at once."""
        self._changed = True
        self._woken.set()

    async def start(self) -> None:
        """Puts back what no worker knows of, then begins. Returns without waiting for a worker."""
        await self._delivery.start()
        await self._reconcile()
        self._retry_at = self._now()
        self._tasks.start()

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Releases nothing more, lets running jobs end within the grace, puts the others back into the queue. Those at
        workers that live on are left to them."""
        await self._tasks.stop("releasing")
        await self._delivery.close(grace_seconds)
        await self._tasks.stop("reporting", grace_seconds=5.0)
        if not self._delivery.owns_workers:
            return
        for job_id in await self._ledger.in_flight():
            await self._ledger.interrupted(job_id, Interrupted(cause="drained", alone=False))
        for job_id in await self._ledger.stopping():
            await self._stopped(job_id)

    async def cancel(self, job_id: int) -> Verdict:
        """Ends a job that waits. One at a worker is told to stop, which it does within a step, and ends with the
        pictures that are whole by then. Listeners hear of either once."""
        verdict = await self._ledger.cancel(job_id)
        if verdict not in ("cancelled", "stopping"):
            return verdict
        self._handover.call_off(job_id)
        self._running.forget(job_id)  # no word of its progress any more
        self._found.discard(job_id)
        if verdict == "cancelled":
            self._settled(job_id, Cancelled())
            await self._delivery.cancel(job_id)
        else:
            if job_id not in self._handover:
                self._tell(job_id, Stopping())
            await self._stop(job_id)
        self.wake()
        return verdict

    # Releasing

    async def _release_forever(self) -> None:
        while True:
            try:
                await self._turn()
            except Exception as error:
                log.exception("a turn of the dispatcher failed; the next one is in a second")
                self._changed = True
                self._troubles.ledger_failed(error)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self._troubles.ledger_works()
            self._tasks.turned()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tick):
                    await self._woken.wait()
            self._woken.clear()

    async def _turn(self) -> None:
        if self._troubles.ledger_in_doubt:
            await self._ledger.prove()
        await self._look_at_capacity()
        if self._now() >= self._reconcile_at:
            await self._reconcile()
        if self._retry_at is not None and self._now() >= self._retry_at:
            pause = await self._ledger.resume_retries()
            self._retry_at = None if pause is None else self._now() + pause
            self._changed = True
        if self._changed:
            self._changed = False
            self._tidings.changed()
            if self.slots and not self._troubles.resting:
                await self._release()
        await self._tidings.spread()

    async def _look_at_capacity(self) -> None:
        capacity = await self._delivery.capacity()
        if capacity.workers != self._workers:
            self._workers = capacity.workers
            self._card = capacity.card or self._card  # after the last worker has gone that is still what can be drawn
            self._ledger.meet(capacity.workers)
            self._changed = True
        self._ledger.slots = capacity.slots
        self._changed |= self._troubles.rest_is_over()
        why = None if capacity.slots else capacity.trouble
        self._troubles.workers_say(why, "queue" if capacity.unreachable else "engine")

    async def _release(self) -> None:
        released = await self._ledger.release(self._workers, self._delivery.where, self._running.drawn)
        for assignment, worker in released:
            with about(assignment.job_id):
                self._running.handed(worker, assignment.request.compatibility_key)
                await self._handover.submit(assignment, worker)

    async def _reconcile(self) -> None:
        """Stops what is to stop, however often its workers have been told. Puts back the jobs in flight that no worker
        knows, and stops the ones at workers that have ended: not while the delivery has not found out."""
        self._reconcile_at = self._now() + PAUSE_SECONDS  # where it does not come to its end
        stopping = await self._ledger.stopping()
        self._handover.compared(stopping)
        for job_id in sorted(stopping):
            await self._stop(job_id)
        if await self._delivery.known() is None:
            return
        expected = await self._ledger.in_flight()
        known = await self._delivery.known()  # later than the ledger's: a job settled in between is not missed
        if known is None:
            return
        for job_id in sorted(expected - known):
            with about(job_id):
                log.warning("job %d is at no worker any more; back into the queue", job_id)
                await self._put_back(job_id, Interrupted(cause="worker_gone", alone=False))
        if strays := known - expected:
            for job_id in await self._ledger.ended(sorted(strays)):
                await self._delivery.cancel(job_id)
        self._reconcile_at = self._now() + self._reconcile_every
        self._changed = True

    async def _stop(self, job_id: int) -> None:
        """Tells the worker of a job to stop it; what will have no answer is over."""
        if not await self._handover.stop(job_id):
            await self._stopped(job_id)

    async def _stopped(self, job_id: int, word: Cancelled | None = None) -> bool:
        """Settles a job that is stopping. False where there is no such job."""
        cancelled = await self._ledger.stopped(job_id, word)
        self._settled(job_id, cancelled)
        return cancelled is not None

    # Reports

    async def _report_forever(self) -> None:
        async for report in self._delivery.events():
            while True:
                try:
                    with about(report.job_id):
                        await self._take(report)
                    break
                except (SQLAlchemyError, OSError) as error:  # the result exists, so it waits until it can be held
                    extra = of_job(report.job_id)
                    log.exception(
                        "the ledger did not take a report of job %d; trying again", report.job_id, extra=extra
                    )
                    self._troubles.ledger_failed(error)
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self, report: JobReport) -> None:
        job_id, event = report.job_id, report.event
        match event:
            case Started():
                await self._started(job_id)
            case Progress():
                if job_id in self._running:
                    self._progressed(job_id, event)
                elif await self._runs(job_id):
                    self._ledger.progress[job_id] = share(event)
                    self._tell(job_id, event)
            case Failed(code="disk_full"):  # nothing is wrong with the job: it is drawn again when there is room
                self._troubles.store_is_full(event.message)
                await self._put_back(job_id, Interrupted(cause="drained", alone=False))
            case Finished() | Failed():
                if isinstance(event, Finished):
                    self._troubles.store_took()
                worker, seconds = self._delivery.where(job_id), self._running.stop(job_id)
                outcome = await self._ledger.finish(job_id, event, seconds, worker)
                self._settled(job_id, outcome)
                if outcome is None:
                    await self._disown(job_id, event)
                    if isinstance(event, Failed) and event.retryable:
                        self._retry_at = self._now()
                        self._on_rerun("retry")
            case Cancelled():
                if not await self._stopped(job_id, event):  # nobody has cancelled it, or it is over
                    await self._disown(job_id, event)
                    await self._put_back(job_id, Interrupted(cause="worker_gone", alone=False))
            case Interrupted():
                await self._put_back(job_id, event)

    async def _disown(self, job_id: int, told: Finished | Failed | Cancelled) -> None:
        """Gives up pictures that came too late for the job that they are of."""
        job = await self._ledger.job(job_id)
        if self._unclaimed is None or job is None or job.state != "cancelled" or job.outcome is None:
            return  # it will be drawn again, or was drawn twice: the same bytes under the same names
        kept = {picture.blob for picture in pictures_in(job.outcome)}  # told twice
        late = [picture for picture in pictures_in(told) if picture.blob not in kept]
        if not late:
            return
        try:
            await self._unclaimed(late)
        except Exception:
            log.exception("what was stored for the cancelled job %d may stay where it is", job_id)

    async def _started(self, job_id: int) -> None:
        if await self._ledger.started(job_id):
            worker = self._delivery.where(job_id)
            expected = await self._ledger.expected(job_id, worker)
            if job_id in self._handover:  # cancelled since
                return
            self._running.begin(job_id, worker, expected)
            self._tell(job_id, Started())
        elif await self._ledger.ended([job_id]):
            await self._delivery.cancel(job_id)

    async def _runs(self, job_id: int) -> bool:
        """Whether a job runs that has started before this program, at a worker that has lived on."""
        if job_id in self._handover:
            return False
        if job_id not in self._found:
            job = await self._ledger.job(job_id)
            if job is None or job.state != "running" or job_id in self._handover:
                return False
            self._found.add(job_id)
        return True

    def _progressed(self, job_id: int, progress: Progress) -> None:
        self._ledger.progress[job_id] = share(progress)
        eta = self._running.progressed(job_id, progress)
        self._tell(job_id, progress.model_copy(update={"eta_seconds": eta}))

    async def _put_back(self, job_id: int, interruption: Interrupted) -> None:
        outcome = await self._ledger.interrupted(job_id, interruption)
        if not isinstance(outcome, Cancelled):
            self._on_rerun(interruption.cause)
        self._settled(job_id, outcome)

    def _settled(self, job_id: int, outcome: Finished | Failed | Cancelled | None) -> None:
        """A job is at no worker any more: it has ended so, or waits again."""
        self._forget(job_id)
        if outcome is not None:
            self._tell(job_id, outcome)
        self.wake()

    def _forget(self, job_id: int) -> None:
        self._running.forget(job_id)
        self._handover.forget(job_id)
        self._found.discard(job_id)
        self._tidings.forget(job_id)

    def _tell(self, job_id: int, event: Event) -> None:
        for listener in self._listeners:
            try:
                with about(job_id):
                    listener(job_id, event)
            except Exception:
                log.exception("a listener failed on %s of job %d", event.type, job_id, extra=of_job(job_id))
