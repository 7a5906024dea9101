"""Delivery without a server: the worker is a child of this process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from inference.queue.delivery import Assignment, Capacity, Interrupted, JobReport
from inference.queue.delivery.mailbox import Mailbox
from inference.queue.wire import (
    Cancel,
    Drain,
    Hello,
    Link,
    Report,
    Submit,
    Trouble,
    decode_up,
    ended_within,
    reason,
    spawn,
)
from inference.requests import Cancelled, Failed, Finished, ModelCard

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
LAST_WORDS_SECONDS = 5.0
STARTS_BEFORE_TROUBLE = 3


def worker_arguments(
    *,
    slots: int,
    weights: Path | None,
    device: str,
    previews: bool,
    job_timeout_seconds: float,
    more: Mapping[str, object] | None = None,
) -> list[str]:
    """The command that starts a worker, without the socket and the environment that `LocalDelivery` adds.

    `more` are options of the worker by name; None leaves one at its default, True is a flag.
    """
    command = [sys.executable, "-m", "inference.worker", "--slots", str(slots)]
    command += ["--device", device, "--job-timeout", str(job_timeout_seconds)]
    command += [] if weights is None else ["--weights", str(weights)]
    for name, value in (more or {}).items():
        if value is not None and value is not False:
            command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return command if previews else [*command, "--no-previews"]


class LocalDelivery:
    """Starts the worker, starts it again when it dies, and reports what it held as interrupted then.

    By default that is `python -m inference.worker` with these options; `command` is another program that speaks
    `inference.queue.wire`, to which only `--fd N` is added. The URL of the blobs may hold a password, so it goes by the
    environment, as BLOBS_URL.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        blobs: str = "data/blobs",
        slots: int = 4,
        weights: Path | None = None,
        device: str = "auto",
        previews: bool = True,
        job_timeout_seconds: float = 600.0,
        more: Mapping[str, object] | None = None,
    ) -> None:
        self._command = list(command or ()) or worker_arguments(
            slots=slots,
            weights=weights,
            device=device,
            previews=previews,
            job_timeout_seconds=job_timeout_seconds,
            more=more,
        )
        self._environment = {**os.environ, "BLOBS_URL": blobs}
        self._mailbox = Mailbox()
        self._held: set[int] = set()  # known: from submit until the last report has been handled
        self._ended: set[int] = set()  # of these, those whose last report lies in the mailbox
        self._process: asyncio.subprocess.Process | None = None
        self._link: Link | None = None
        self._slots = 0
        self._card: ModelCard | None = None
        self._trouble: str | None = None
        self._failed_starts = 0
        self._closing = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id while one is running."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        self._life = asyncio.create_task(self._live(), name="worker's keeper")

    async def close(self, grace_seconds: float = 10.0) -> None:
        self._closing.set()
        if self._link is not None:
            self._link.send(Drain(grace_seconds=grace_seconds))
        if self._life is not None:
            await asyncio.wait([self._life], timeout=grace_seconds + LAST_WORDS_SECONDS)
            if not self._life.done() and self._process is not None:
                log.warning("the worker did not end in time; killing it")
                self._process.kill()
            await asyncio.wait([self._life])
        self._mailbox.close()

    async def capacity(self) -> Capacity:
        return Capacity(slots=0 if self._closing.is_set() else self._slots, card=self._card, trouble=self._trouble)

    async def submit(self, assignment: Assignment) -> None:
        if assignment.job_id in self._held:
            return
        self._held.add(assignment.job_id)
        if self._link is None:
            self._end(JobReport(job_id=assignment.job_id, event=Interrupted(cause="worker_gone", alone=False)))
        else:
            self._link.send(Submit(assignment=assignment))

    async def cancel(self, job_id: int) -> None:
        if self._link is not None and job_id in self._held - self._ended:
            self._link.send(Cancel(job_id=job_id))

    async def known(self) -> frozenset[int]:
        return frozenset(self._held)

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self._mailbox.take()) is not None:
            try:
                yield report
            finally:  # the reader has handled it, or has failed to and will miss the job when it reconciles
                if _is_last(report):
                    self._ended.discard(report.job_id)
                    self._held.discard(report.job_id)

    async def _live(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closing.is_set():
            try:
                # A session of its own: Ctrl-C in the terminal is for us, and we tell the worker.
                self._process, self._link = await spawn(self._command, start_new_session=True, env=self._environment)
            except OSError as error:
                log.exception("cannot start the worker")
                self._failed(f"the worker cannot be started: {reason(error)}")
            else:
                process = self._process
                served = await self._attend(process, self._link)
                pause = FIRST_PAUSE_SECONDS if served else pause
                if not served:
                    self._failed(f"the worker ends before it is ready, with exit status {process.returncode}")
            if not self._closing.is_set():
                log.warning("the worker is gone; the next one comes in %.1f s", pause)
                await _wait(self._closing, pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _failed(self, why: str) -> None:
        """A worker has ended without having been ready; what one has said of its engine is the better reason."""
        self._failed_starts += 1
        if self._failed_starts >= STARTS_BEFORE_TROUBLE and self._trouble is None and not self._closing.is_set():
            log.error("no worker becomes ready: %s", why)
            self._trouble = why

    async def _attend(self, process: asyncio.subprocess.Process, link: Link) -> bool:
        """Listens to a worker until its end. Returns whether it ever was ready for jobs."""
        served = False
        try:
            while (line := await link.line()) is not None:
                served |= self._hear(line)
        except ValueError:
            log.exception("the worker spoke nonsense; killing it")
        finally:
            self._link, self._slots = None, 0
            await link.close()
            if process.returncode is None and not await ended_within(process, LAST_WORDS_SECONDS):
                process.kill()
            await process.wait()
            self._process = None
            for job_id in sorted(self._held - self._ended):
                self._end(JobReport(job_id=job_id, event=Interrupted(cause="worker_gone", alone=False)))
        return served

    def _hear(self, line: bytes) -> bool:
        message = decode_up(line)
        if isinstance(message, Hello):
            self._slots = message.slots
            self._card = message.card or self._card
            if message.slots:
                self._trouble, self._failed_starts = None, 0
            return message.slots > 0
        if isinstance(message, Trouble):
            self._trouble = message.why
        if isinstance(message, Report) and message.report.job_id in self._held - self._ended:
            if _is_last(message.report):
                self._end(message.report)
            else:
                self._mailbox.post(message.report)
        return False

    def _end(self, report: JobReport) -> None:
        self._ended.add(report.job_id)
        self._mailbox.post(report)


def _is_last(report: JobReport) -> bool:
    return isinstance(report.event, Finished | Failed | Cancelled | Interrupted)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    await asyncio.wait([waiting := asyncio.ensure_future(event.wait())], timeout=seconds)
    waiting.cancel()
