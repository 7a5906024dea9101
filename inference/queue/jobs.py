"""A job as the ledger keeps it, its states, and the ways in which a new one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from sqlalchemy import Row

from inference.requests import AnyRequest, Cancelled, Failed, Finished, Outcome, parse_request

State = Literal["new", "queued", "sent", "running", "stopping", "retry_wait", "done", "failed", "dead", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
WAITING: tuple[State, ...] = ("new", "queued", "retry_wait")
IN_FLIGHT: tuple[State, ...] = ("sent", "running")
ACTIVE: tuple[State, ...] = WAITING + IN_FLIGHT  # what counts for limits, shares and places in line
STOPPING: tuple[State, ...] = ("stopping",)
AT_WORKER: tuple[State, ...] = IN_FLIGHT + STOPPING
LIVING: tuple[State, ...] = ACTIVE + STOPPING
TERMINAL: tuple[State, ...] = ("done", "failed", "dead", "cancelled")

Verdict = Literal["cancelled", "stopping", "too_late", "unknown"]
AnyRow = Row[*tuple[Any, ...]]
_OUTCOME: TypeAdapter[Finished | Failed | Cancelled] = TypeAdapter(Outcome)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps the whole queue from going on until somebody mends it: no engine becomes ready, the queue's server is
    out of reach, the ledger cannot be read or written, or there is no room for pictures. `reason` is one line for the
    owner; `error` is what the ledger's database raised."""

    cause: Literal["engine", "queue", "ledger", "store"]
    reason: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the ledger. `context` is the bot's own and opaque here. Times are seconds since the epoch.

    `key` is equal for orders that must not be doubled, `reply_to` the message that has ordered it.

    `state` is `stopping` from when a job at a worker is cancelled until that has said, or will not say any more, what
    was ready.

    `attempts` counts releases to a worker, `retries` those after a transient failure, `crashes` the times the engine
    died with nobody but this job inside; `suspect` says that it was inside at any crash.
    """

    id: int
    update_id: int | None
    owner_id: int
    chat_id: int
    message_id: int | None
    request: AnyRequest
    context: dict[str, Any]
    key: str | None
    reply_to: int | None
    state: State
    outcome: Finished | Failed | Cancelled | None
    priority: int
    cost: float
    attempts: int
    retries: int
    crashes: int
    suspect: bool
    created_at: float
    queued_at: float | None
    started_at: float | None
    finished_at: float | None
    shown_at: float | None

    @property
    def settled(self) -> bool:
        return self.state in TERMINAL

    @property
    def stopping(self) -> bool:
        return self.state in STOPPING


@dataclass(frozen=True, slots=True)
class Accepted:
    """`fresh` is False when the update had been accepted before: then `job` is the one it made."""

    job: Job
    fresh: bool


class Refused(Exception):
    """A new job that the queue does not take now."""


class TooManyWaiting(Refused):
    """The person has `limit` jobs waiting already."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} jobs of one person may wait")
        self.limit = limit


class QueueFull(Refused):
    """`limit` jobs are waiting in all."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} jobs may wait")
        self.limit = limit


class WaitTooLong(Refused):
    """The pictures would take `eta_seconds` to come."""

    def __init__(self, eta_seconds: float) -> None:
        super().__init__(f"the wait would be {eta_seconds:.0f} seconds")
        self.eta_seconds = eta_seconds


class OutOfOrder(Refused):
    """Nothing can be drawn or written down until somebody has mended what `trouble` names."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the {trouble.cause} is out of order: {trouble.reason}")
        self.trouble = trouble


def job_of(row: AnyRow) -> Job:
    """A job from a row that holds all its columns."""
    fields = row._mapping
    return Job(
        id=fields["id"],
        update_id=fields["update_id"],
        owner_id=fields["owner_id"],
        chat_id=fields["chat_id"],
        message_id=fields["message_id"],
        request=parse_request(fields["request"]),
        context=fields["context"],
        key=fields["key"],
        reply_to=fields["reply_to"],
        state=fields["state"],
        outcome=None if fields["outcome"] is None else _OUTCOME.validate_json(fields["outcome"]),
        priority=fields["priority"],
        cost=fields["cost"],
        attempts=fields["attempts"],
        retries=fields["retries"],
        crashes=fields["crashes"],
        suspect=fields["suspect"],
        created_at=fields["created_at"],
        queued_at=fields["queued_at"],
        started_at=fields["started_at"],
        finished_at=fields["finished_at"],
        shown_at=fields["shown_at"],
    )
