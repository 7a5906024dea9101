"""The engine's parent: admits jobs, keeps suspects apart, watches for silence, starts the engine again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from inference.queue.figures import Figures
from inference.queue.logs import about, of_job
from inference.queue.options import WorkerOptions
from inference.queue.supervisor import Death, Supervisor, Watch
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Interrupted, JobEvent, JobReport
from inference.queue.wire import Cancel, Counted, Drain, Hello, Report, Submit, Trouble, UpMessage, decode_down
from inference.requests import Cancelled, Failed, Finished, ModelCard, Note, Progress, Started

log = logging.getLogger(__name__)

ENGINE = (sys.executable, "-m", "inference.child")
LONGEST_PAUSE_SECONDS = 30.0
LAST_WORDS_SECONDS = 3.0
PREVIEW_EVERY_SECONDS = 1.0
UNSEEN_CRASHES = 3  # a job that was never seen to start may go into a new engine this many times


class BotLink(Protocol):
    """The way to the bot: a socket (`inference.queue.wire.Link`), or whatever carries the same lines."""

    async def line(self) -> bytes | None: ...

    def send(self, message: UpMessage) -> None: ...

    async def flush(self) -> None: ...


@dataclass(slots=True)
class _Run:
    """A job at this worker. It is `inside` from the moment it is handed to the engine; times are monotonic."""

    assignment: Assignment
    inside: bool = False
    started_at: float | None = None
    cancelled: bool = False
    timed_out: bool = False
    unseen_crashes: int = 0
    preview_at: float = field(default=float("-inf"))


class EngineParent:
    """One engine and the jobs it has been given. `run` returns when the bot is gone or the drain is done."""

    def __init__(self, up: BotLink, options: WorkerOptions, card: ModelCard | None = None) -> None:
        self._up = up
        self._options = options
        self._card = card
        self._runs: dict[int, _Run] = {}  # in the order they came
        self._slots = 0
        self._timings: Timings | None = None
        self._restarts = 0
        self._cards = 0
        self._engine = Supervisor(
            "engine",
            options.engine or ENGINE,
            options,
            on_message=self._hear,
            on_end=self._recover,
            on_trouble=self._give_up_hope,
            watch=Watch(options.silence_seconds, options.start_seconds, self._busy),
            longest_pause=LONGEST_PAUSE_SECONDS,
            last_words_seconds=LAST_WORDS_SECONDS,
        )
        self._trouble: str | None = None
        self._draining = False
        self._emptied = asyncio.Event()
        self._over = asyncio.Event()
        self._draining_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        self._introduce()
        lives = (self._obey(), self._keep_engine(), self._stop_the_slow(), self._over.wait())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(life) for life in lives]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in filter(None, (*tasks, self._draining_task)):
                task.cancel()
            await asyncio.wait(tasks)  # the engine is killed by its supervisor

    def drain(self, grace_seconds: float) -> None:
        """Takes nothing new, gives what runs the grace to end, gives back the rest, and ends `run`."""
        if not self._draining:
            self._draining = True
            self._draining_task = asyncio.create_task(self._drain(grace_seconds))

    # Orders from the bot

    async def _obey(self) -> None:
        while (line := await self._up.line()) is not None:
            match decode_down(line):
                case Submit(assignment=assignment):
                    with about(assignment.job_id):
                        self._submit(assignment)
                case Cancel(job_id=job_id):
                    with about(job_id):
                        self._cancel(job_id)
                case Drain(grace_seconds=grace):
                    self.drain(grace)
        log.info("the bot is gone")

    def _submit(self, assignment: Assignment) -> None:
        if assignment.job_id in self._runs:
            return
        if self._draining:
            self._tell(assignment.job_id, Interrupted(cause="drained", alone=False))
            return
        self._runs[assignment.job_id] = _Run(assignment)
        self._admit()

    def _cancel(self, job_id: int) -> None:
        run = self._runs.get(job_id)
        if run is None:
            return
        run.cancelled = True
        if run.inside and self._engine.reachable:
            self._engine.send(Cancel(job_id=job_id))
        else:
            self._end(job_id, Cancelled(done=None if run.inside else 0.0))

    async def _drain(self, grace_seconds: float) -> None:
        self._introduce()
        for job_id, run in list(self._runs.items()):
            if not run.inside:
                self._end(job_id, Interrupted(cause="drained", alone=False))
        if self._runs:
            self._emptied.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await self._emptied.wait()
        for job_id in list(self._runs):
            self._end(job_id, Interrupted(cause="drained", alone=False))
        await self._engine.stop()
        await self._up.flush()
        self._over.set()

    # The engine

    async def _keep_engine(self) -> None:
        await self._engine.run()
        await self._over.wait()  # stopped by the drain, which has a last word to say

    def _busy(self) -> bool:
        return any(run.inside for run in self._runs.values())

    def _give_up_hope(self, why: str) -> None:
        """Says why no engine becomes ready and gives back what waits here, at no cost to it. The next one is tried."""
        if why != self._trouble:
            log.error("no engine becomes ready: %s", why)
            self._trouble = why
        self._up.send(Trouble(why=why))
        for job_id in list(self._runs):
            self._end(job_id, Interrupted(cause="drained", alone=False))

    def _hear(self, message: UpMessage, announced: float) -> None:
        for run in self._runs.values():
            if run.started_at is not None:
                run.started_at += announced  # loading weights is not the job's own time
        match message:
            case Hello(slots=slots, card=card, timings=timings, cards=cards):
                self._cards = cards
                self._slots, self._card, self._timings = slots, card or self._card, timings or self._timings
                self._trouble = None if slots else self._trouble
                self._introduce()
                self._admit()
            case Counted():
                self._count(message)
            case Report(report=report):
                with about(report.job_id):
                    self._pass_on(report, time.monotonic())

    def _pass_on(self, report: JobReport, now: float) -> None:
        run = self._runs.get(report.job_id)
        if run is None:
            return
        match report.event:
            case Started():
                run.started_at = now
                self._tell(report.job_id, report.event)
            case Progress(preview=preview):
                event = report.event
                if preview is not None and now - run.preview_at < PREVIEW_EVERY_SECONDS:
                    event = event.model_copy(update={"preview": None})
                elif preview is not None:
                    run.preview_at = now
                self._tell(report.job_id, event)
            case Cancelled() if run.timed_out and not run.cancelled:
                self._end(report.job_id, _late(report.event) or self._timeout(run))
            case _:
                self._end(report.job_id, report.event)
        self._admit()

    def _admit(self) -> None:
        """Hands over what there is room for, in order. A suspect waits until it can be alone, others behind it."""
        if not self._engine.reachable or self._draining:
            return
        inside = [run for run in self._runs.values() if run.inside]
        for job_id, run in self._runs.items():
            if run.inside:
                continue
            if len(inside) >= self._slots or (inside and (run.assignment.alone or inside[0].assignment.alone)):
                return
            if not inside:
                self._engine.work_begins()
            log.info("job %d goes in", job_id, extra=of_job(job_id))
            self._engine.send(Submit(assignment=run.assignment))
            run.inside = True
            inside.append(run)

    def _recover(self, death: Death) -> None:
        """After an engine's end: what had started is reported, what had only been handed over goes to the next one."""
        cause: Literal["engine_crashed", "engine_hung"] = "engine_hung" if death == "hung" else "engine_crashed"
        self._slots = 0
        if not self._draining:
            self._introduce()
            self._restarts += 1
            self._count(Counted(figures=Figures()))
        inside = {job_id: run for job_id, run in self._runs.items() if run.inside}
        started = sum(run.started_at is not None for run in inside.values())
        if inside:
            with about(*inside):
                log.warning("the engine is gone (%s) with %d jobs inside", death, len(inside))
        for job_id, run in inside.items():
            if run.cancelled:
                self._end(job_id, Cancelled())
            elif run.timed_out:
                self._end(job_id, self._timeout(run))
            elif run.started_at is not None:
                self._end(job_id, Interrupted(cause=cause, alone=started == 1))
            elif run.unseen_crashes + 1 >= UNSEEN_CRASHES:
                self._end(job_id, Interrupted(cause=cause, alone=len(inside) == 1))
            else:
                run.inside = False
                run.unseen_crashes += 1

    # Time limits

    async def _stop_the_slow(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._options.job_timeout_minutes * 15))
            now = time.monotonic()
            for job_id, run in self._runs.items():
                limit = self._options.seconds_for(run.assignment.request)
                late = run.started_at is not None and now - run.started_at > limit
                if late and not run.timed_out and self._engine.reachable:
                    run.timed_out = True
                    self._engine.send(Cancel(job_id=job_id))

    def _timeout(self, run: _Run) -> Failed:
        limit = self._options.seconds_for(run.assignment.request)
        return Failed(code="timed_out", message=f"not done after {limit:.0f} s")

    # To the bot

    def _introduce(self) -> None:
        slots = 0 if self._draining else self._slots
        card, timings, cards = self._card, self._timings, self._cards
        self._up.send(Hello(slots=slots, card=card, timings=timings, pid=os.getpid(), cards=cards))

    def _count(self, counted: Counted) -> None:
        figures = counted.figures.model_copy(update={"restarts": self._restarts})
        self._up.send(counted.model_copy(update={"figures": figures}))

    def _tell(self, job_id: int, event: JobEvent) -> None:
        self._up.send(Report(report=JobReport(job_id=job_id, event=event)))

    def _end(self, job_id: int, event: Finished | Failed | Cancelled | Interrupted) -> None:
        del self._runs[job_id]
        self._tell(job_id, event)
        if not self._runs:
            self._emptied.set()


def _late(stopped: Cancelled) -> Finished | None:
    """The end of a job that ran out of time when some of its pictures were whole."""
    if not stopped.pictures:
        return None
    notes = (*stopped.notes, Note(code="timed_out"))
    return Finished(pictures=stopped.pictures, notes=notes, engine_seconds=stopped.engine_seconds)
