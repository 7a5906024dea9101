"""From one state of a job to the next: the arrows of the ledger that take more than an UPDATE, in one of its
transactions."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, TypeGuard

from sqlalchemy import Update
from sqlalchemy.ext.asyncio import AsyncConnection

from inference.queue import statements as sql
from inference.queue.fairness import Limits, Pick
from inference.queue.jobs import STOPPING, AnyRow, State, Verdict
from inference.queue.placing import Placed
from inference.queue.transport import Assignment, Interrupted
from inference.requests import AnyRequest, Cancelled, Failed, Finished, parse_request, pictures_in


async def send(connection: AsyncConnection, chosen: Iterable[Pick], now: float) -> list[Placed]:
    """Marks jobs sent and charges their owners. Returns what to hand over: not what was cancelled since the choice."""
    sent = []
    for pick in chosen:
        row = (await connection.execute(sql.SEND, {"job_id": pick.job.job_id, "now": now})).one_or_none()
        if row is None:
            continue
        await connection.execute(sql.CHARGE, {"owner": pick.job.owner_id, "work": row.cost})
        if pick.overtook is not None:
            await connection.execute(sql.OVERTAKE, {"job_id": pick.overtook.job_id})
        assignment = Assignment(job_id=pick.job.job_id, request=parse_request(row.request), alone=row.suspect)
        sent.append(Placed(assignment, pick.worker))
    return sent


async def reword(
    connection: AsyncConnection, job_id: int, request: AnyRequest, context: dict[str, Any]
) -> AnyRow | None:
    """Gives a job that waits another request, in its place of the queue. Returns its row; None if it waits no more."""
    values = {
        "new_request": request.model_dump_json(),
        "new_context": context,
        "new_compatibility": request.compatibility_key,
        "new_cost": request.cost,
        "new_developed": request.developed,
        "new_drawings": request.drawings,
    }
    row: AnyRow | None = (await connection.execute(sql.REWORD, {"job_id": job_id, **values})).one_or_none()
    return row


async def settle(
    connection: AsyncConnection,
    job_id: int,
    state: State,
    outcome: Finished | Failed | Cancelled,
    now: float,
    *,
    by: Update = sql.SETTLE,
) -> bool:
    """Ends a job that is in a state which `by` may leave. False if it has ended before: the first end stays."""
    values = {"new_state": state, "result": outcome.model_dump_json(), "now": now}
    return bool((await connection.execute(by, {"job_id": job_id, **values})).rowcount)


async def cancel(connection: AsyncConnection, job_id: int, now: float) -> Verdict:
    """Ends a job that waits. One at a worker is stopping from now on, and is charged until that has answered."""
    if await settle(connection, job_id, "cancelled", Cancelled(), now, by=sql.CALL_OFF):
        return "cancelled"
    if (await connection.execute(sql.STOP, {"job_id": job_id})).rowcount:
        return "stopping"
    state = (await connection.execute(sql.STATE, {"job_id": job_id})).scalar_one_or_none()
    if state is None:
        return "unknown"
    return "stopping" if state in STOPPING else "too_late"


async def stopped(
    connection: AsyncConnection,
    job_id: int,
    row: AnyRow,
    word: Finished | Failed | Cancelled,
    progress: float | None,
    now: float,
) -> Cancelled | None:
    """Ends a job that is stopping by the last word of its worker, whatever that was, with what was ready; its owner
    pays for what ran. None if it has ended before.

    `progress` is the part that had been done when that was last seen, for a worker that does not say.
    """
    cancelled = word if isinstance(word, Cancelled) else _called_off(word)
    if not await settle(connection, job_id, "cancelled", cancelled, now, by=sql.STOPPED):
        return None
    ran = cancelled.done
    if ran is None:
        ran = 0.0 if row.started_at is None else 1.0 if progress is None else progress
    await connection.execute(sql.CHARGE, {"owner": row.owner_id, "work": (ran - 1) * row.cost})
    return cancelled


def is_stopping(row: AnyRow | None) -> TypeGuard[AnyRow]:
    """Whether a job at a worker was cancelled there."""
    return row is not None and row.state in STOPPING


def _called_off(word: Finished | Failed) -> Cancelled:
    """What a job that was cancelled has ended with, where its worker tells of another end."""
    if isinstance(word, Failed):
        return Cancelled()
    return Cancelled(pictures=pictures_in(word), notes=word.notes, engine_seconds=word.engine_seconds, done=1.0)


async def fail(
    connection: AsyncConnection, job_id: int, row: AnyRow | None, failure: Failed, limits: Limits, now: float
) -> Failed | None:
    """Ends a job by a failure, or has it tried again after a pause if the failure is transient and `row`, the job in
    flight, may. Returns the failure if it was the end."""
    if row is not None and failure.retryable and row.retries < limits.retries and row.attempts < limits.attempts:
        pause = limits.retry_seconds * 2**row.retries * random.uniform(0.8, 1.2)
        await connection.execute(sql.POSTPONE, {"job_id": job_id, "due": now + pause})
        await _refund(connection, row)
        return None
    return failure if await settle(connection, job_id, "failed", failure, now) else None


async def put_back(
    connection: AsyncConnection, job_id: int, row: AnyRow, interruption: Interrupted, limits: Limits, now: float
) -> Failed | None:
    """Queues a job in flight anew. Returns its failure instead if it was interrupted one time too many."""
    crashed = interruption.cause in ("engine_crashed", "engine_hung")
    crashes = row.crashes + (crashed and interruption.alone)
    attempts = row.attempts - (interruption.cause == "drained")
    values = {"new_attempts": attempts, "new_crashes": crashes, "new_suspect": crashed}
    await connection.execute(sql.TALLY, {"job_id": job_id, **values})
    end = _end_of_patience(interruption.cause, crashes, attempts, limits)
    if end is not None:
        state, failure = end
        return failure if await settle(connection, job_id, state, failure, now) else None
    await connection.execute(sql.PUT_BACK, {"job_id": job_id})
    await _refund(connection, row)
    return None


def _end_of_patience(cause: str, crashes: int, attempts: int, limits: Limits) -> tuple[State, Failed] | None:
    if crashes >= limits.lone_crashes:
        message = f"{cause}: the engine ended {crashes} times with only this job inside"
        return "dead", Failed(code="engine_crashed", message=message)
    if attempts >= limits.attempts:
        return "failed", Failed(code="too_many_attempts", message=f"{cause}: given up after {attempts} attempts")
    return None


async def _refund(connection: AsyncConnection, row: AnyRow) -> None:
    await connection.execute(sql.CHARGE, {"owner": row.owner_id, "work": -row.cost})
