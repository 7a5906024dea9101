"""The engine's parent: admits jobs, keeps suspects apart, watches for silence, starts the engine again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inference.queue.delivery import Assignment, Interrupted, JobEvent, JobReport
from inference.queue.wire import (
    STARTS_FAILED,
    Cancel,
    Drain,
    Hello,
    Link,
    Patience,
    Report,
    Submit,
    Trouble,
    UpMessage,
    decode_down,
    decode_up,
    ended_within,
    spawn,
)
from inference.requests import (
    AnyRequest,
    Cancelled,
    Failed,
    Finished,
    ModelCard,
    Progress,
    Rewrite,
    Started,
    tiles,
)
from inference.silence import Silence

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
LAST_WORDS_SECONDS = 3.0
PREVIEW_EVERY_SECONDS = 1.0
WINDOWS_IN_TIME = 25  # that a job's time is meant for
STARTS_BEFORE_TROUBLE = 3  # engines in a row that never became ready, before people are told
UNSEEN_CRASHES = 3  # a job that was never seen to start may go into a new engine this many times

Cause = Literal["engine_crashed", "engine_hung"]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`engine` is the command of the engine child, without the socket; `environment` is what it finds there beside
    this process's own. Times in seconds.

    `silence_seconds` is the least silence that counts as a hang, `start_seconds` the time from start to readiness.
    """

    engine: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    silence_seconds: float = 30.0
    start_seconds: float = 600.0
    job_timeout_seconds: float = 600.0
    rewrite_timeout_seconds: float = 120.0  # for jobs that somebody waits for with the words still in mind

    def seconds_for(self, request: AnyRequest) -> float:
        """How long a request may run: longer where it is cut into more windows than a picture of 4K."""
        if isinstance(request, Rewrite):
            return min(self.rewrite_timeout_seconds, self.job_timeout_seconds)
        return self.job_timeout_seconds * max(1.0, tiles(request) * len(request.seeds) / WINDOWS_IN_TIME)


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

    def __init__(self, up: Link, options: EngineOptions, card: ModelCard | None = None) -> None:
        self._up = up
        self._options = options
        self._card = card
        self._runs: dict[int, _Run] = {}  # in the order they came
        self._slots = 0
        self._engine: Link | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._silence = Silence(options.silence_seconds, time.monotonic())
        self._born_at = time.monotonic()
        self._cause: Cause = "engine_crashed"
        self._last_words: str | None = None
        self._trouble: str | None = None
        self._draining = False
        self._emptied = asyncio.Event()
        self._over = asyncio.Event()
        self._draining_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        self._introduce()
        lives = (self._obey(), self._keep_engine(), self._watch(), self._over.wait())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(life) for life in lives]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in filter(None, (*tasks, self._draining_task)):
                task.cancel()
            if self._process is not None and self._process.returncode is None:
                self._process.kill()

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
                    self._submit(assignment)
                case Cancel(job_id=job_id):
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
        if run.inside and self._engine is not None:
            self._engine.send(Cancel(job_id=job_id))
        else:
            self._end(job_id, Cancelled())

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
        if self._engine is not None and self._process is not None:
            await self._engine.close()
            await ended_within(self._process, LAST_WORDS_SECONDS)
        await self._up.flush()
        self._over.set()

    # The engine

    async def _keep_engine(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        failures = 0
        while not self._draining:
            self._last_words = None
            self._born_at = time.monotonic()
            self._silence = Silence(self._options.silence_seconds, self._born_at)
            self._cause = "engine_crashed"
            self._process, self._engine = await spawn(
                list(self._options.engine),
                env={**os.environ, **self._options.environment, STARTS_FAILED: str(failures)},
            )
            ready = await self._listen(self._process, self._engine)
            if self._draining:
                break
            failures = 0 if ready else failures + 1
            if failures >= STARTS_BEFORE_TROUBLE:
                self._give_up_hope(failures)
            pause = FIRST_PAUSE_SECONDS if ready else min(2 * pause, LONGEST_PAUSE_SECONDS)
            log.warning("the engine has ended (%s); the next one comes in %.1f s", self._cause, pause)
            await asyncio.sleep(pause)
        await self._over.wait()

    def _give_up_hope(self, failures: int) -> None:
        """Says why no engine becomes ready and gives back what waits here, at no cost to it. The next one is tried."""
        status = None if self._process is None else self._process.returncode
        ended = "it was silent for too long" if self._cause == "engine_hung" else f"it ended with exit status {status}"
        why = self._last_words or ended
        if why != self._trouble:
            log.error("the engine has failed to start %d times: %s", failures, why)
            self._trouble = why
        self._up.send(Trouble(why=why))
        for job_id in list(self._runs):
            self._end(job_id, Interrupted(cause="drained", alone=False))

    async def _listen(self, process: asyncio.subprocess.Process, engine: Link) -> bool:
        """Hears an engine out. Returns whether it was ever ready."""
        ready = False
        try:
            while (line := await engine.line()) is not None:
                self._hear(decode_up(line))
                ready |= self._slots > 0
        except ValueError:
            log.exception("the engine spoke nonsense; killing it")
            process.kill()
        await engine.close()
        if not await ended_within(process, LAST_WORDS_SECONDS):
            process.kill()
            await process.wait()
        self._engine, self._slots = None, 0
        if not self._draining:
            self._introduce()
        self._recover()
        return ready

    def _hear(self, message: UpMessage) -> None:
        now = time.monotonic()
        announced = self._silence.heard(now)
        for run in self._runs.values():
            if run.started_at is not None:
                run.started_at += announced  # loading weights is not the job's own time
        match message:
            case Hello(slots=slots, card=card):
                self._slots, self._card = slots, card or self._card
                self._trouble = None if slots else self._trouble
                self._introduce()
                self._admit()
            case Trouble(why=why):
                self._last_words = why
            case Patience(seconds=seconds, why=why):
                log.info("the engine asks for %.0f s: %s", seconds, why)
                self._silence.announce(seconds, now)
            case Report(report=report):
                self._pass_on(report, now)

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
                self._end(report.job_id, self._timeout(run))
            case _:
                self._end(report.job_id, report.event)
        self._admit()

    def _admit(self) -> None:
        """Hands over what there is room for, in order. A suspect waits until it can be alone, others behind it."""
        if self._engine is None or self._draining:
            return
        inside = [run for run in self._runs.values() if run.inside]
        for job_id, run in self._runs.items():
            if run.inside:
                continue
            if len(inside) >= self._slots or (inside and (run.assignment.alone or inside[0].assignment.alone)):
                return
            if not inside:
                self._silence.begin(time.monotonic())
            log.debug("job %d goes in", job_id)
            self._engine.send(Submit(assignment=run.assignment))
            run.inside = True
            inside.append(run)

    def _recover(self) -> None:
        """After an engine's end: what had started is reported, what had only been handed over goes to the next one."""
        inside = {job_id: run for job_id, run in self._runs.items() if run.inside}
        started = sum(run.started_at is not None for run in inside.values())
        for job_id, run in inside.items():
            if run.cancelled:
                self._end(job_id, Cancelled())
            elif run.timed_out:
                self._end(job_id, self._timeout(run))
            elif run.started_at is not None:
                self._end(job_id, Interrupted(cause=self._cause, alone=started == 1))
            elif run.unseen_crashes + 1 >= UNSEEN_CRASHES:
                self._end(job_id, Interrupted(cause=self._cause, alone=len(inside) == 1))
            else:
                run.inside = False
                run.unseen_crashes += 1

    # Watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._options.silence_seconds / 4, self._options.job_timeout_seconds / 4))
            now = time.monotonic()
            if self._engine is None or self._process is None:
                continue
            if self._slots == 0:
                hung = now - self._born_at > self._options.start_seconds and self._silence.too_long(now)
            else:
                hung = any(run.inside for run in self._runs.values()) and self._silence.too_long(now)
            if hung:
                log.error("the engine is silent; killing it")
                self._cause = "engine_hung"
                self._process.kill()
            self._stop_the_slow(now)

    def _stop_the_slow(self, now: float) -> None:
        for job_id, run in self._runs.items():
            limit = self._options.seconds_for(run.assignment.request)
            late = run.started_at is not None and now - run.started_at > limit
            if late and not run.timed_out and self._engine is not None:
                run.timed_out = True
                self._engine.send(Cancel(job_id=job_id))

    def _timeout(self, run: _Run) -> Failed:
        limit = self._options.seconds_for(run.assignment.request)
        return Failed(code="timed_out", message=f"not done after {limit:.0f} s")

    # To the bot

    def _introduce(self) -> None:
        self._up.send(Hello(slots=0 if self._draining else self._slots, card=self._card, pid=os.getpid()))

    def _tell(self, job_id: int, event: JobEvent) -> None:
        self._up.send(Report(report=JobReport(job_id=job_id, event=event)))

    def _end(self, job_id: int, event: Finished | Failed | Cancelled | Interrupted) -> None:
        del self._runs[job_id]
        self._tell(job_id, event)
        if not self._runs:
            self._emptied.set()
