"""Delivery without a server: the workers are children of this process, one of them or one for each card."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal

from inference.queue.figures import Figures, WorkerSeen
from inference.queue.options import WorkerOptions
from inference.queue.supervisor import Death, Supervisor
from inference.queue.transport import Assignment, Capacity, Interrupted, JobReport, WorkerOffer, is_last
from inference.queue.transport.mailbox import Mailbox
from inference.queue.version import code_version
from inference.queue.wire import Cancel, Counted, Drain, Hello, Report, Submit, Trouble, UpMessage

log = logging.getLogger(__name__)

WORKER = (sys.executable, "-m", "inference.worker")
LONGEST_PAUSE_SECONDS = 10.0
LAST_WORDS_SECONDS = 5.0
MOST_WORKERS = 64

Workers = int | Literal["auto"]


class LocalDelivery:
    """Starts workers, starts each again when it dies, and reports what it held as interrupted then.

    With `workers` "auto" there is one, and once it has said how many cards there are, one for each of these.
    `command` may be another program that speaks `inference.queue.wire`, to which only `--fd N` is added. What it shall
    do goes over the wire: nothing of the options stands in a command line or in its environment.
    """

    owns_workers = True

    def __init__(
        self, options: WorkerOptions | None = None, *, command: Sequence[str] = WORKER, workers: Workers = 1
    ) -> None:
        self._options = _sharing(options or WorkerOptions(), workers)
        self._command = command
        self._one_a_card = workers == "auto"
        self._mailbox = Mailbox()
        self._workers: list[_Worker] = []
        self._places: dict[int, _Worker] = {}  # known: from submit until the last report has been handled
        self._ended: set[int] = set()  # of these, those whose last report lies in the mailbox
        self._begun = self._closing = False
        self._add(1 if workers == "auto" else workers)

    @property
    def worker_pid(self) -> int | None:
        """The first worker's process id while one is running."""
        return self.worker_pids[0]

    @property
    def worker_pids(self) -> tuple[int | None, ...]:
        """Of each worker its process id while it runs."""
        return tuple(worker.pid for worker in self._workers)

    async def start(self) -> None:
        self._begun = True
        for worker in self._workers:
            worker.start()

    async def close(self, grace_seconds: float = 10.0) -> None:
        self._closing = True
        await asyncio.gather(*(worker.stop(grace_seconds) for worker in self._workers))
        self._mailbox.close()

    async def capacity(self) -> Capacity:
        workers = () if self._closing else tuple(worker.offer for worker in self._workers)
        return Capacity(workers=workers, trouble=next((one.trouble for one in self._workers if one.trouble), None))

    def seen(self) -> tuple[WorkerSeen, ...]:
        there = () if self._closing else [worker for worker in self._workers if worker.reachable]
        return tuple(worker.seen(sum(self._draws(worker, job_id) for job_id in self._places)) for worker in there)

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        if assignment.job_id in self._places:
            return
        chosen = next((one for one in self._workers if one.offer.name == worker), self._workers[0])
        self._places[assignment.job_id] = chosen
        if not chosen.submit(assignment):
            self._end(JobReport(job_id=assignment.job_id, event=Interrupted(cause="worker_gone", alone=False)))

    async def cancel(self, job_id: int) -> None:
        worker = self._places.get(job_id)
        if worker is not None and job_id not in self._ended:
            worker.cancel(job_id)

    def where(self, job_id: int) -> str | None:
        worker = self._places.get(job_id)
        return None if worker is None else worker.offer.name

    async def known(self) -> frozenset[int]:
        return frozenset(self._places)

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self._mailbox.take()) is not None:
            try:
                yield report
            finally:  # the reader has handled it, or has failed to and will miss the job when it reconciles
                if is_last(report):
                    self._ended.discard(report.job_id)
                    self._places.pop(report.job_id, None)

    def _add(self, workers: int) -> None:
        for number in range(len(self._workers), min(workers, MOST_WORKERS)):
            options = self._options.model_copy(update={"number": number})
            self._workers.append(_Worker(f"worker {number + 1}", options, self._command, self._hear, self._ended_by))
            if self._begun and not self._closing:
                self._workers[-1].start()

    def _hear(self, worker: _Worker, message: Hello | Report) -> None:
        match message:
            case Hello(cards=cards) if self._one_a_card and cards > len(self._workers):
                log.info("there are %d cards, each is given a worker", cards)
                self._add(cards)
            case Report(report=report) if self._draws(worker, report.job_id):
                if is_last(report):
                    self._end(report)
                else:
                    self._mailbox.post(report)

    def _ended_by(self, worker: _Worker) -> None:
        for job_id in sorted(job_id for job_id in self._places if self._draws(worker, job_id)):
            self._end(JobReport(job_id=job_id, event=Interrupted(cause="worker_gone", alone=False)))

    def _draws(self, worker: _Worker, job_id: int) -> bool:
        return self._places.get(job_id) is worker and job_id not in self._ended

    def _end(self, report: JobReport) -> None:
        self._ended.add(report.job_id)
        self._mailbox.post(report)


class _Worker:
    """One worker and what it offers. `on_word` is given what it says, `on_end` is called when it has died."""

    def __init__(
        self,
        name: str,
        options: WorkerOptions,
        command: Sequence[str],
        on_word: Callable[[_Worker, Hello | Report], None],
        on_end: Callable[[_Worker], None],
    ) -> None:
        self.offer = WorkerOffer(name=name)
        self.trouble: str | None = None
        self._on_word, self._on_end = on_word, on_end
        self._device = options.device
        self._figures: Figures | None = None
        self._deaths = 0  # of it and of its engines, before the present worker
        self._life: asyncio.Task[None] | None = None
        self._process = Supervisor(
            "worker",
            command,
            options,
            on_message=self._hear,
            on_end=self._ended_by,
            on_trouble=self._give_up_hope,
            longest_pause=LONGEST_PAUSE_SECONDS,
            last_words_seconds=LAST_WORDS_SECONDS,
            start_new_session=True,  # Ctrl-C in the terminal is for us, and we tell the worker
        )

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def reachable(self) -> bool:
        return self._process.reachable

    def seen(self, jobs: int) -> WorkerSeen:
        """It, with so many jobs."""
        name, slots = self.offer.name, self.offer.slots
        return WorkerSeen(name, "local", self._device, code_version(), slots, jobs, self._figures)

    def start(self) -> None:
        self._life = asyncio.create_task(self._process.run(), name=f"{self.offer.name}'s supervisor")

    async def stop(self, grace_seconds: float) -> None:
        await self._process.stop(Drain(grace_seconds=grace_seconds), grace_seconds)
        if self._life is not None:
            await asyncio.wait([self._life])

    def submit(self, assignment: Assignment) -> bool:
        """Hands a job over. False where there is nobody to take it."""
        if self._process.reachable:
            self._process.send(Submit(assignment=assignment))
        return self._process.reachable

    def cancel(self, job_id: int) -> None:
        self._process.send(Cancel(job_id=job_id))

    def _hear(self, message: UpMessage, _announced: float) -> None:
        match message:
            case Hello(slots=slots, card=card, timings=timings):
                card, timings = card or self.offer.card, timings or self.offer.timings
                self._offers(slots=slots, card=card, timings=timings)
                self.trouble = None if slots else self.trouble
                self._on_word(self, message)
            case Trouble(why=why):
                self.trouble = why
            case Counted(figures=figures, loading=loading):
                self._offers(loading=loading)
                self._figures = figures.model_copy(update={"restarts": figures.restarts + self._deaths})
            case Report():
                self._on_word(self, message)

    def _offers(self, **changed: object) -> None:
        self.offer = self.offer.model_copy(update=changed)

    def _ended_by(self, _death: Death) -> None:
        self._offers(slots=0)
        if self._figures is not None:  # the next one begins to count anew
            self._deaths = self._figures.restarts + 1
            self._figures = Figures(restarts=self._deaths)
        self._on_end(self)

    def _give_up_hope(self, why: str) -> None:
        """No worker becomes ready; what one has said of its engine is the better reason."""
        if self.trouble is None:
            log.error("no worker becomes ready: %s", why)
            self.trouble = why


def _sharing(options: WorkerOptions, workers: Workers) -> WorkerOptions:
    """The options of each of so many workers, which share the processor's cores."""
    if workers == "auto" or workers == 1 or options.threads is not None:
        return options
    return options.model_copy(update={"threads": max(1, (os.cpu_count() or 1) // workers)})
