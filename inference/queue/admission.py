"""Whether a new job may join, or one that waits grow: reads of the crowd inside somebody else's transaction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from inference.queue import statements as sql
from inference.queue import tables
from inference.queue.database import inserting, take_turns
from inference.queue.fairness import InFlight, Limits, Outlook, Share, Waiting, joining_time
from inference.queue.fleet import Fleet
from inference.queue.jobs import LIVING, AnyRow, Job, QueueFull, TooManyWaiting, WaitTooLong, job_of
from inference.queue.transport import WorkerOffer
from inference.queue.transport.capacity import demands
from inference.requests import AnyRequest, InvalidRequest, parse_request

ALL = 2**31 - 1
NEWCOMER = 2**62  # an id above all others, for a job that has none yet
UPDATE_IDS_LAST_SECONDS = 2 * 24 * 3600.0  # Telegram may begin its ids anew after a week without updates

Foresee = Callable[[list[Waiting], Mapping[int, Share], list[InFlight], Fleet], dict[int, Outlook]]


def crowd_of(rows: Sequence[AnyRow]) -> tuple[list[Waiting], dict[int, Share]]:
    """Waiting jobs and their owners' accounts."""
    waiting = [_waiting(row) for row in rows]
    return waiting, {row.owner_id: Share(row.virtual_time, row.weight) for row in rows}


async def heads(
    connection: AsyncConnection, room: int, workers: Sequence[WorkerOffer]
) -> tuple[list[Waiting], dict[int, Share]]:
    """As many of each person's next jobs as there is room for, and their accounts; all that wait, once one of these is
    none that every worker can draw: what nobody has room for hides nothing that is behind it."""
    for most in (room, ALL):
        rows = (await connection.execute(sql.HEADS, {"room": most})).all()
        waiting = [replace(_waiting(row), demands=_demands(row.request)) for row in rows]
        if all(worker.can(job.demands) for job in waiting for worker in workers):
            break
    return waiting, {row.owner_id: Share(row.virtual_time, row.weight) for row in rows}


def _waiting(row: AnyRow) -> Waiting:
    return Waiting(
        row.id,
        row.owner_id,
        row.cost,
        row.compatibility,
        row.priority,
        row.since,
        row.suspect,
        row.overtaken,
        row.developed,
        row.drawings,
    )


@lru_cache(maxsize=4096)
def _demands(request: str) -> frozenset[str]:
    try:
        return demands(parse_request(request))
    except InvalidRequest:  # of a version that knew more
        return frozenset({"unknown"})


async def in_flight(connection: AsyncConnection, progress: Mapping[int, float]) -> list[InFlight]:
    """Released jobs in the order they were, with the work that `progress` (done part by job) leaves."""
    rows = (await connection.execute(sql.CROWD_IN_FLIGHT)).all()
    return [_released(row, left=1 - progress.get(row.id, 0.0)) for row in rows]


def _released(row: AnyRow, left: float) -> InFlight:
    undrawn = max(1, math.ceil(row.drawings * left))
    return InFlight(row.id, row.owner_id, row.compatibility, row.cost * left, row.developed * left, undrawn)


async def admit(connection: AsyncConnection, newcomer: Waiting, limits: Limits, fleet: Fleet, foresee: Foresee) -> None:
    """Lets a newcomer in and settles its owner's account. Raises TooManyWaiting, QueueFull or WaitTooLong.

    Whoever else admits in the meantime is not seen: see `alone`.
    """
    owner = newcomer.owner_id
    crowd = (await connection.execute(sql.CROWD, {"owner": owner})).one()
    if crowd.own_waiting >= limits.waiting_per_person:
        raise TooManyWaiting(limits.waiting_per_person)
    if crowd.waiting >= limits.queue_cap:
        raise QueueFull(limits.queue_cap)
    share = await _join(connection, owner, returning=crowd.own_active == 0)
    developed, drawings = crowd.developed + newcomer.developed, crowd.drawings + newcomer.drawings
    whole = fleet.at_most(drawings, crowd.work + newcomer.cost, developed)
    if whole <= limits.max_wait_seconds:
        return  # even as the last one it would be in time
    waiting, shares = crowd_of((await connection.execute(sql.CROWD_WAITING)).all())
    outlooks = foresee([*waiting, newcomer], {**shares, owner: share}, await in_flight(connection, {}), fleet)
    _in_time(outlooks[newcomer.job_id], limits)


async def readmit(
    connection: AsyncConnection,
    job_id: int,
    request: AnyRequest,
    limits: Limits,
    fleet: Fleet,
    foresee: Foresee,
) -> None:
    """Lets a job that waits be for this from now on, in its place. Raises WaitTooLong where that is more work than it
    was, and would be done too late."""
    waiting, shares = crowd_of((await connection.execute(sql.CROWD_WAITING)).all())
    now: dict[str, Any] = {
        "cost": request.cost,
        "developed": request.developed,
        "drawings": request.drawings,
        "compatibility": request.compatibility_key,
    }
    larger = [
        replace(one, **now)
        for one in waiting
        if one.job_id == job_id
        and (one.cost < request.cost or one.developed < request.developed or one.drawings < request.drawings)
    ]
    if larger:
        others = [one for one in waiting if one.job_id != job_id]
        outlooks = foresee([*others, *larger], shares, await in_flight(connection, {}), fleet)
        _in_time(outlooks[job_id], limits)


def _in_time(outlook: Outlook, limits: Limits) -> None:
    if outlook.eta_seconds is not None and outlook.eta_seconds > limits.max_wait_seconds:
        raise WaitTooLong(outlook.eta_seconds)


async def alone(connection: AsyncConnection) -> None:
    """Until this transaction ends no other, of whatever program, counts who waits and lets another in."""
    await take_turns(connection, "admission")


async def known_before(connection: AsyncConnection, update_id: int | None, now: float) -> Job | None:
    """The job that an update has made when it was seen the first time."""
    if update_id is None:
        return None
    row = (await connection.execute(sql.JOB_OF_UPDATE, {"update": update_id})).one_or_none()
    if row is None:
        return None
    # Of a job that has not ended the age says nothing but that the clock may have been set.
    if row.state in LIVING or now - row.created_at < UPDATE_IDS_LAST_SECONDS:
        return job_of(row)
    await connection.execute(sql.FORGET_UPDATE, {"job_id": row.id})
    return None


async def _join(connection: AsyncConnection, owner: int, *, returning: bool) -> Share:
    """The person's account, opened or brought up to date if they have nothing in the queue."""
    row = (await connection.execute(sql.OWNER, {"owner": owner})).one_or_none()
    share = Share() if row is None else Share(row.virtual_time, row.weight)
    if not returning and row is not None:
        return share
    lowest = (await connection.execute(sql.LOWEST_ACTIVE_TIME)).scalar_one()
    highest = (await connection.execute(sql.HIGHEST_TIME)).scalar_one() if lowest is None else None
    time = joining_time(share.virtual_time, [] if lowest is None else [lowest], highest or 0.0)
    if row is None:
        await connection.execute(
            inserting(connection, tables.owners).on_conflict_do_nothing(), {"owner_id": owner, "virtual_time": time}
        )
    elif time != share.virtual_time:
        await connection.execute(sql.SET_OWNER_TIME, {"owner": owner, "time": time})
    return Share(time, share.weight)
