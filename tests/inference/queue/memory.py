"""A transport in memory, for tests of what stands above it; it keeps the contract of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from inference.queue.figures import WorkerSeen
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Capacity, Interrupted, JobEvent, JobReport, WorkerOffer
from inference.queue.transport.mailbox import Mailbox
from inference.requests import Cancelled, Finished, FlashTextToImage, Picture, Progress, Recipe, Started


class Worker(Protocol):
    """Who draws what a MemoryDelivery has been handed, and reports it there."""

    def take(self, assignment: Assignment) -> None: ...

    def drop(self, job_id: int) -> Cancelled: ...

    async def drain(self, grace_seconds: float) -> None: ...


class MemoryDelivery:
    """Jobs vanish from it only when told to. Without a `worker` a test says by `report` what becomes of them, and one
    that is `deaf` does not answer who cancels."""

    def __init__(self, slots: int = 2) -> None:
        self.owns_workers = True
        self.found_out = True
        self.slots = slots
        self.timings: Timings | None = None
        self.workers: tuple[WorkerOffer, ...] = ()  # instead of the one that has these slots
        self.places: dict[int, str] = {}
        self.trouble: str | None = None
        self.worker: Worker | None = None
        self.mailbox = Mailbox()
        self.submitted: list[Assignment] = []
        self.deaf = False
        self.held: set[int] = set()
        self.ended: set[int] = set()  # of these, those whose last report lies in the mailbox
        self.cancelled: list[int] = []
        self.closed_with: float | None = None
        self.stuck = False

    async def start(self) -> None: ...

    async def close(self, grace_seconds: float = 10.0) -> None:
        self.closed_with = grace_seconds
        self.slots = 0
        if self.worker is not None:
            await self.worker.drain(grace_seconds)
        self.mailbox.close()

    async def capacity(self) -> Capacity:
        if self.stuck:
            self.stuck = False
            await asyncio.Event().wait()
        offers = tuple(worker for worker in self.offers() if worker.slots)
        return Capacity(workers=offers, trouble=self.trouble)

    def seen(self) -> tuple[WorkerSeen, ...]:
        return ()

    def offers(self) -> tuple[WorkerOffer, ...]:
        return self.workers or (WorkerOffer(name="memory", slots=self.slots, timings=self.timings),)

    def where(self, job_id: int) -> str | None:
        return self.places.get(job_id) if job_id in self.held else None

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        if assignment.job_id in self.held:
            return
        self.places[assignment.job_id] = worker or "memory"
        self.submitted.append(assignment)
        self.held.add(assignment.job_id)
        if self.worker is not None:
            self.worker.take(assignment)

    async def cancel(self, job_id: int) -> None:
        self.cancelled.append(job_id)
        if job_id in self.held - self.ended and not self.deaf:
            self.report(job_id, Cancelled() if self.worker is None else self.worker.drop(job_id))

    async def known(self) -> frozenset[int] | None:
        return frozenset(self.held) if self.found_out else None

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self.mailbox.take()) is not None:
            yield report
            if not isinstance(report.event, Started | Progress):
                self.ended.discard(report.job_id)
                self.held.discard(report.job_id)

    def report(self, job_id: int, event: JobEvent) -> None:
        if not isinstance(event, Started | Progress):
            self.ended.add(job_id)
        self.mailbox.post(JobReport(job_id=job_id, event=event))

    def ids(self) -> list[int]:
        return [assignment.job_id for assignment in self.submitted]


class Sleeper:
    """A worker whose jobs are steps of sleep, in which their pictures become ready one after the other. One whose
    prompt is `poison` ends the engine and all that is inside."""

    def __init__(self, delivery: MemoryDelivery, *, steps: int = 5, step_seconds: float = 0.005) -> None:
        self._delivery = delivery
        self._slots = delivery.slots
        self._steps, self._step_seconds = steps, step_seconds
        self._waiting: list[Assignment] = []
        self._inside: dict[int, asyncio.Task[None]] = {}
        self._slept: dict[int, tuple[Assignment, int]] = {}
        self._suspect_inside = False

    def take(self, assignment: Assignment) -> None:
        self._waiting.append(assignment)
        self._admit()

    def drop(self, job_id: int) -> Cancelled:
        self._waiting = [assignment for assignment in self._waiting if assignment.job_id != job_id]
        if (running := self._inside.pop(job_id, None)) is not None:
            running.cancel()
        self._admit()
        if running is None:
            return Cancelled(done=0.0)
        return Cancelled(pictures=self._ready(job_id), done=self._slept[job_id][1] / self._steps)

    def _ready(self, job_id: int) -> tuple[Picture, ...]:
        """As many pictures as there have been steps for."""
        assignment, step = self._slept[job_id]
        request = assignment.request
        width, height = request.size
        return tuple(
            Picture(
                tile=tile,
                blob=f"{seed:064x}",
                width=width,
                height=height,
                recipe=Recipe(request=request, tile=tile, code_version="asleep"),
            )
            for tile, seed in enumerate(request.seeds[: step * len(request.seeds) // self._steps])
        )

    async def drain(self, grace_seconds: float) -> None:
        waiting, self._waiting = self._waiting, []
        for assignment in waiting:
            self._delivery.report(assignment.job_id, Interrupted(cause="drained", alone=False))
        if self._inside:
            await asyncio.wait(self._inside.values(), timeout=grace_seconds)
        self._end("drained")

    def _admit(self) -> None:
        """Lets in who is next, and nobody beside a suspect."""
        while self._waiting and len(self._inside) < self._slots:
            if self._inside and (self._waiting[0].alone or self._suspect_inside):
                return
            assignment = self._waiting.pop(0)
            self._suspect_inside = assignment.alone
            self._slept[assignment.job_id] = assignment, 0
            self._inside[assignment.job_id] = asyncio.create_task(self._draw(assignment))

    async def _draw(self, assignment: Assignment) -> None:
        job_id, request = assignment.job_id, assignment.request
        self._delivery.report(job_id, Started())
        if isinstance(request, FlashTextToImage) and request.prompt == "poison":
            self._end("engine_crashed")
            return
        for step in range(1, self._steps + 1):
            await asyncio.sleep(self._step_seconds)
            self._slept[job_id] = assignment, step
            self._delivery.report(job_id, Progress(stage="drawing", step=step, of=self._steps))
        del self._inside[job_id]
        self._delivery.report(job_id, Finished(pictures=self._ready(job_id)))
        self._admit()

    def _end(self, cause: str) -> None:
        """Reports all that is inside as interrupted."""
        inside, self._inside = self._inside, {}
        alone = cause == "engine_crashed" and len(inside) == 1
        for job_id, task in inside.items():
            if task is not asyncio.current_task():
                task.cancel()
            self._delivery.report(job_id, Interrupted.model_validate({"cause": cause, "alone": alone}))
        self._admit()
