"""Delivery without a server: the worker is a child of this process."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence

from inference.queue.figures import Figures, WorkerSeen
from inference.queue.options import WorkerOptions
from inference.queue.supervisor import Death, Supervisor
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Capacity, Interrupted, JobReport, is_last
from inference.queue.transport.mailbox import Mailbox
from inference.queue.version import code_version
from inference.queue.wire import Cancel, Counted, Drain, Hello, Report, Submit, Trouble, UpMessage
from inference.requests import ModelCard

log = logging.getLogger(__name__)

WORKER = (sys.executable, "-m", "inference.worker")
LONGEST_PAUSE_SECONDS = 10.0
LAST_WORDS_SECONDS = 5.0


class LocalDelivery:
    """Starts the worker, starts it again when it dies, and reports what it held as interrupted then.

    `command` may be another program that speaks `inference.queue.wire`, to which only `--fd N` is added. What it shall
    do goes over the wire: nothing of the options stands in a command line or in its environment.
    """

    owns_workers = True

    def __init__(self, options: WorkerOptions | None = None, *, command: Sequence[str] = WORKER) -> None:
        self._options = options or WorkerOptions()
        self._worker = Supervisor(
            "worker",
            command,
            self._options,
            on_message=self._hear,
            on_end=self._ended_by,
            on_trouble=self._give_up_hope,
            longest_pause=LONGEST_PAUSE_SECONDS,
            last_words_seconds=LAST_WORDS_SECONDS,
            start_new_session=True,  # Ctrl-C in the terminal is for us, and we tell the worker
        )
        self._mailbox = Mailbox()
        self._held: set[int] = set()  # known: from submit until the last report has been handled
        self._ended: set[int] = set()  # of these, those whose last report lies in the mailbox
        self._slots = 0
        self._card: ModelCard | None = None
        self._timings: Timings | None = None
        self._trouble: str | None = None
        self._figures: Figures | None = None
        self._deaths = 0
        self._closing = False
        self._life: asyncio.Task[None] | None = None

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id while one is running."""
        return self._worker.pid

    async def start(self) -> None:
        self._life = asyncio.create_task(self._worker.run(), name="worker's supervisor")

    async def close(self, grace_seconds: float = 10.0) -> None:
        self._closing = True
        await self._worker.stop(Drain(grace_seconds=grace_seconds), grace_seconds)
        if self._life is not None:
            await asyncio.wait([self._life])
        self._mailbox.close()

    async def capacity(self) -> Capacity:
        slots = 0 if self._closing else self._slots
        return Capacity(slots=slots, card=self._card, trouble=self._trouble, timings=self._timings)

    def workers(self) -> tuple[WorkerSeen, ...]:
        if not self._worker.reachable or self._closing:
            return ()
        jobs, device = len(self._held - self._ended), self._options.device
        return (WorkerSeen("local", "local", device, code_version(), self._slots, jobs, self._figures),)

    async def submit(self, assignment: Assignment) -> None:
        if assignment.job_id in self._held:
            return
        self._held.add(assignment.job_id)
        if self._worker.reachable:
            self._worker.send(Submit(assignment=assignment))
        else:
            self._end(JobReport(job_id=assignment.job_id, event=Interrupted(cause="worker_gone", alone=False)))

    async def cancel(self, job_id: int) -> None:
        if job_id in self._held - self._ended:
            self._worker.send(Cancel(job_id=job_id))

    async def known(self) -> frozenset[int]:
        return frozenset(self._held)

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self._mailbox.take()) is not None:
            try:
                yield report
            finally:  # the reader has handled it, or has failed to and will miss the job when it reconciles
                if is_last(report):
                    self._ended.discard(report.job_id)
                    self._held.discard(report.job_id)

    def _hear(self, message: UpMessage, _announced: float) -> None:
        match message:
            case Hello(slots=slots, card=card, timings=timings):
                self._slots, self._card, self._timings = slots, card or self._card, timings or self._timings
                self._trouble = None if slots else self._trouble
            case Trouble(why=why):
                self._trouble = why
            case Counted(figures=figures):
                self._figures = figures.model_copy(update={"restarts": figures.restarts + self._deaths})
            case Report(report=report) if report.job_id in self._held - self._ended:
                if is_last(report):
                    self._end(report)
                else:
                    self._mailbox.post(report)

    def _ended_by(self, _death: Death) -> None:
        self._slots = 0
        if self._figures is not None:  # the next one begins to count anew, but for those that died
            self._deaths = self._figures.restarts + 1
            self._figures = Figures(restarts=self._deaths)
        for job_id in sorted(self._held - self._ended):
            self._end(JobReport(job_id=job_id, event=Interrupted(cause="worker_gone", alone=False)))

    def _give_up_hope(self, why: str) -> None:
        """No worker becomes ready; what one has said of its engine is the better reason."""
        if self._trouble is None:
            log.error("no worker becomes ready: %s", why)
            self._trouble = why

    def _end(self, report: JobReport) -> None:
        self._ended.add(report.job_id)
        self._mailbox.post(report)
