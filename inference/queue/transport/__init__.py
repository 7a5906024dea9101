"""How released jobs reach a worker and how their events come back.

Policy (whose job is next) lives in the ledger and the dispatcher. A delivery only moves work, and may lose everything
it holds at any moment: the ledger refills it.

Of a job that is cancelled the ledger waits for the last report, whichever it is, and makes it the end: `Cancelled` with
the pictures that were whole, `Finished` where it was through already, anything else without pictures. The same for one
that `known` does not hold, and for one whose report has not come after a while: it never runs again.

What is added to these messages has a default, and what goes down is not added to. What comes up may say more than is
known here. So a bot works with workers that are a version behind it, or ahead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal, Protocol

from pydantic import Field

from inference.queue.figures import WorkerSeen
from inference.queue.transport.capacity import Capacity, WorkerOffer
from inference.requests import AnyRequest, Cancelled, Contract, Failed, Finished, Progress, Started

__all__ = [
    "Assignment",
    "Capacity",
    "Delivery",
    "Interrupted",
    "JobEvent",
    "JobId",
    "JobReport",
    "WorkerOffer",
    "is_last",
]

JobId = Annotated[int, Field(ge=0, lt=2**63)]  # as databases number rows


class Assignment(Contract):
    """A job on its way to a worker. `alone` keeps a suspect out of everybody else's batch."""

    job_id: JobId
    request: AnyRequest
    alone: bool = False


class Interrupted(Contract):
    """The run ended without an outcome.

    `engine_crashed` and `engine_hung` count against a job that ran alone; `worker_gone` and `drained` do not.
    """

    type: Literal["interrupted"] = "interrupted"
    cause: Literal["engine_crashed", "engine_hung", "worker_gone", "drained"]
    alone: bool


JobEvent = Annotated[Started | Progress | Finished | Failed | Cancelled | Interrupted, Field(discriminator="type")]


class JobReport(Contract):
    """An event of a job, as a worker tells it. Reports of a job that has ended already are ignored by the ledger."""

    job_id: JobId
    event: JobEvent


def is_last(report: JobReport) -> bool:
    """Whether a run has ended with this report."""
    return not isinstance(report.event, Started | Progress)


class Delivery(Protocol):
    """The six verbs between dispatcher and workers, plus a life.

    Where it `owns_workers`, `close` ends them, and whatever was in flight is at nobody then; else they work on, and
    another delivery finds them again.
    """

    @property
    def owns_workers(self) -> bool: ...

    async def start(self) -> None:
        """Begins to reach workers. Returns at once: capacity tells when they are there."""

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Drains: takes nothing new, lets running steps end within the grace, then stops every worker it owns."""

    async def capacity(self) -> Capacity: ...

    def seen(self) -> tuple[WorkerSeen, ...]:
        """Who is there, those included that get no jobs."""
        ...

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        """Hands a job over, to this worker if that is still there. Idempotent by job id. It is known from then on."""

    async def cancel(self, job_id: int) -> None:
        """Asks that a job stop within one step and report, as its last word, what was ready.

        The word may be lost: it is said again every few seconds while the job is known. Neither that, nor a job whose
        last report is on its way, nor one that it does not know is an error or brings a second last report.
        """

    def where(self, job_id: int) -> str | None:
        """The worker that has a job, by the name that it offers under; None where that is not known."""

    async def known(self) -> frozenset[int] | None:
        """Ids of the jobs that are waiting or running at workers, or whose last report has not been handled yet; None
        while it has not yet found out, and no job may be taken for lost.

        A report is handled when the one consumer of `events` asks for the next.
        """

    def events(self) -> AsyncIterator[JobReport]:
        """Reports as they come, progress coalesced to the latest per job. One consumer."""
