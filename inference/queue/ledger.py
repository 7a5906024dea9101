"""The jobs table and its state machine: the truth about every job.

    new ─ announced ─▶ queued ─ picked ─▶ sent ─ started ─▶ running ─▶ done | failed | dead
                         ▲ ▲                └───── interrupted ───┤
                         │ └──────────────────────────────────────┘
                         └── retry_wait ◀── transient failure ────┘        any of these ─▶ cancelled

Every arrow is one UPDATE that names the states it leaves, so of two that race one wins; the first terminal state
stays. What a method has returned is on disk.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inference import requests
from inference.queue import statements as sql
from inference.queue.database import reading
from inference.queue.delivery import Assignment, Interrupted
from inference.queue.fairness import (
    InFlight,
    Limits,
    Outlook,
    Share,
    Waiting,
    joining_time,
    outlooks,
    picks,
    serving_order,
)
from inference.queue.jobs import Accepted, AnyRow, Job, QueueFull, Refused, State, TooManyWaiting, WaitTooLong, job_of
from inference.queue.speeds import blend
from inference.requests import Cancelled, Failed, Finished, FlashTextToImage, TextToImage

__all__ = [
    "Accepted",
    "Job",
    "Ledger",
    "Limits",
    "Outlook",
    "QueueFull",
    "Refused",
    "State",
    "TooManyWaiting",
    "WaitTooLong",
]

UPDATE_IDS_LAST_SECONDS = 2 * 24 * 3600.0  # Telegram may begin its ids anew after a week without updates
_NEWCOMER = 2**62  # an id above all others, for a job that has none yet


class Ledger:
    """Jobs in a database. One dispatcher works on it; any number of tasks accept, cancel and look.

    `slots` is what the dispatcher last saw (None before that) and `progress` the done part of each running job: both
    only make the outlook better.
    """

    def __init__(
        self, database: AsyncEngine, *, limits: Limits | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.limits = limits or Limits()
        self.slots: int | None = None
        self.progress: dict[int, float] = {}
        self._database = database
        self._reading = reading(database)
        self._clock = clock
        self._writing = asyncio.Lock()  # one process waits for itself here rather than by polling SQLite's lock
        self._speeds: dict[str, float] | None = None

    # What the bot does

    async def accept(
        self,
        *,
        update_id: int | None,
        owner_id: int,
        chat_id: int,
        request: FlashTextToImage | TextToImage,
        context: dict[str, Any],
        priority: int = 0,
    ) -> Accepted:
        """Writes a new job down, durably before it returns. An update seen before gives the job it made then.

        Raises TooManyWaiting, QueueFull or WaitTooLong.
        """
        fields = {
            "update_id": update_id,
            "owner_id": owner_id,
            "chat_id": chat_id,
            "request": request.model_dump_json(),
            "context": context,
            "compatibility": requests.compatibility_key(request),
            "cost": requests.cost(request),
            "priority": priority,
            "state": "new",
            "created_at": self._clock(),
        }
        try:
            async with self._write() as connection:
                if update_id is not None and (known := await self._known(connection, update_id)) is not None:
                    return Accepted(known, fresh=False)
                await self._admit(connection, fields)
                job = job_of((await connection.execute(sql.ADD_JOB, fields)).one())
        except IntegrityError:  # another process took the same update in the meantime
            async with self._read() as connection:
                known = await self._known(connection, update_id) if update_id is not None else None
            if known is None:
                raise
            return Accepted(known, fresh=False)
        return Accepted(job, fresh=True)

    async def announce(self, job_id: int, message_id: int) -> Job | None:
        """Puts a new job into the queue, with the message that shows its status. None if it is not new (any more)."""
        values = {"job_id": job_id, "message": message_id, "now": self._clock()}
        async with self._write() as connection:
            row = (await connection.execute(sql.ANNOUNCE, values)).one_or_none()
        return None if row is None else job_of(row)

    async def move_message(self, job_id: int, message_id: int) -> None:
        """From now on another message shows the job's status."""
        async with self._write() as connection:
            await connection.execute(sql.MOVE_MESSAGE, {"job_id": job_id, "message": message_id})

    async def cancel(self, job_id: int) -> Literal["cancelled", "too_late", "unknown"]:
        """Ends a job that has not ended yet. The dispatcher's `cancel` also stops it at the worker."""
        if await self._settle(job_id, "cancelled", Cancelled()):
            return "cancelled"
        return "unknown" if await self.job(job_id) is None else "too_late"

    async def mark_shown(self, job_id: int) -> bool:
        """Notes that the person has seen the outcome. True for the first call only."""
        async with self._write() as connection:
            result = await connection.execute(sql.SHOW, {"job_id": job_id, "now": self._clock()})
        return bool(result.rowcount)

    async def set_weight(self, owner_id: int, weight: float) -> None:
        """A person of weight 2 is served twice as much as one of weight 1 when both wait. Raises ValueError."""
        if not 0.01 <= weight <= 100:
            raise ValueError("a weight lies between 0.01 and 100")
        async with self._write() as connection:
            values = {"owner": owner_id, "new_weight": weight}
            if not (await connection.execute(sql.SET_OWNER_WEIGHT, values)).rowcount:
                await connection.execute(sql.ADD_OWNER, {"owner_id": owner_id, "weight": weight})

    async def job(self, job_id: int) -> Job | None:
        rows = await self._rows(sql.JOB, job_id=job_id)
        return job_of(rows[0]) if rows else None

    async def active(self, owner_id: int | None = None) -> list[Job]:
        """Jobs that have not ended, of one person or of all, oldest first."""
        if owner_id is None:
            return [job_of(row) for row in await self._rows(sql.JOBS_ACTIVE)]
        return [job_of(row) for row in await self._rows(sql.JOBS_ACTIVE_OF_OWNER, owner=owner_id)]

    async def unannounced(self) -> list[Job]:
        """New jobs without a status message: the bot died between accepting and announcing them."""
        return [job_of(row) for row in await self._rows(sql.JOBS_UNANNOUNCED)]

    async def unshown(self) -> list[Job]:
        """Jobs that have ended and whose outcome nobody has seen, in the order they ended."""
        return [job_of(row) for row in await self._rows(sql.JOBS_UNSHOWN)]

    async def outlook(self, job_id: int) -> Outlook | None:
        """What to expect of a job that waits; None for any other."""
        return (await self.outlooks()).get(job_id)

    async def outlooks(self) -> dict[int, Outlook]:
        """What to expect of every waiting job, by id, in serving order."""
        async with self._read() as connection:
            speeds = await self._known_speeds(connection)
            in_flight = await self._in_flight(connection)
            waiting, shares = _crowd((await connection.execute(sql.CROWD_WAITING)).all())
        return self._foresee(waiting, shares, in_flight, speeds)

    # What the dispatcher does

    async def release(self, slots: int) -> list[Assignment]:
        """Picks as many jobs as there are free slots and marks them sent, their owners charged."""
        async with self._read() as connection:
            in_flight = await self._in_flight(connection)
            room = slots - len(in_flight)
            if room <= 0:
                return []
            waiting, shares = _crowd((await connection.execute(sql.HEADS, {"room": room})).all())
        now = self._clock()
        chosen = picks(waiting, shares, in_flight, room=room, now=now, limits=self.limits)
        if not chosen:
            return []
        sent = []
        async with self._write() as connection:
            for pick in chosen:
                row = (await connection.execute(sql.SEND, {"job_id": pick.job.job_id, "now": now})).one_or_none()
                if row is None:  # cancelled since we looked
                    continue
                await connection.execute(sql.CHARGE, {"owner": pick.job.owner_id, "work": pick.job.cost})
                if pick.overtook is not None:
                    await connection.execute(sql.OVERTAKE, {"job_id": pick.overtook.job_id})
                request = requests.parse_request(row.request)
                sent.append(Assignment(job_id=pick.job.job_id, request=request, alone=row.suspect))
        return sent

    async def started(self, job_id: int) -> bool:
        """Notes that the engine has begun with a job. False if it is no longer ours to begin."""
        async with self._write() as connection:
            return bool((await connection.execute(sql.START, {"job_id": job_id, "now": self._clock()})).rowcount)

    async def finish(
        self, job_id: int, outcome: Finished | Failed | Cancelled, device_seconds: float | None = None
    ) -> State | None:
        """Settles a job, or lets it wait for another try after a transient failure. Returns its new state.

        None if it has ended before: the first outcome stays. `device_seconds` feeds the measured speeds.
        """
        if isinstance(outcome, Failed):
            return await self._fail(job_id, outcome)
        if isinstance(outcome, Cancelled):
            return "cancelled" if await self._settle(job_id, "cancelled", outcome) else None
        return "done" if await self._settle(job_id, "done", outcome, device_seconds) else None

    async def interrupted(self, job_id: int, interruption: Interrupted) -> State | None:
        """Puts a job back whose run ended without an outcome; returns its new state, None if it was not in flight.

        A crash of the engine makes it a suspect, which runs alone; the third crash with nobody else inside ends it.
        Its owner gets the charge back, so it stands where it stood. A drained run does not count as an attempt.
        """
        crashed = interruption.cause in ("engine_crashed", "engine_hung")
        async with self._write() as connection:
            row = (await connection.execute(sql.IN_FLIGHT_JOB, {"job_id": job_id})).one_or_none()
            if row is None:
                return None
            crashes = row.crashes + (crashed and interruption.alone)
            attempts = row.attempts - (interruption.cause == "drained")
            end = self._end_of_patience(interruption.cause, crashes, attempts)
            if end is not None:
                return end[0] if await self._settle_in(connection, job_id, *end) else None
            values = {"new_attempts": attempts, "new_crashes": crashes, "new_suspect": crashed}
            await connection.execute(sql.PUT_BACK, {"job_id": job_id, **values})
            await self._refund(connection, row)
        self.progress.pop(job_id, None)
        return "queued"

    async def resume_retries(self) -> float | None:
        """Queues the jobs whose pause is over. Returns the seconds until the next one's is, None if none pauses."""
        now = self._clock()
        # A pause longer than any we give can only come from a clock that was set back.
        absurd = now + self.limits.retry_seconds * 2**self.limits.retries * 2
        async with self._write() as connection:
            await connection.execute(sql.RESUME, {"now": now, "absurd": absurd})
            due = (await connection.execute(sql.NEXT_DUE)).scalar_one()
        return None if due is None else max(0.0, float(due) - now)

    async def in_flight(self) -> frozenset[int]:
        """Ids of the jobs that should be at a worker."""
        return frozenset(row.id for row in await self._rows(sql.IDS_IN_FLIGHT))

    async def ended(self, job_ids: Sequence[int]) -> frozenset[int]:
        """Those among the ids whose jobs have ended."""
        return frozenset(row.id for row in await self._rows(sql.IDS_ENDED, job_ids=list(job_ids)))

    # Inside

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing, self._database.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        async with self._reading.connect() as connection:
            yield connection

    async def _rows(self, statement: Any, **values: Any) -> Sequence[AnyRow]:
        async with self._read() as connection:
            return (await connection.execute(statement, values)).all()

    async def _known(self, connection: AsyncConnection, update_id: int) -> Job | None:
        row = (await connection.execute(sql.JOB_OF_UPDATE, {"update": update_id})).one_or_none()
        if row is None:
            return None
        if self._clock() - row.created_at < UPDATE_IDS_LAST_SECONDS:
            return job_of(row)
        await connection.execute(sql.FORGET_UPDATE, {"job_id": row.id})
        return None

    async def _admit(self, connection: AsyncConnection, fields: Mapping[str, Any]) -> None:
        owner = fields["owner_id"]
        crowd = (await connection.execute(sql.CROWD, {"owner": owner})).one()
        if crowd.own_waiting >= self.limits.waiting_per_person:
            raise TooManyWaiting(self.limits.waiting_per_person)
        if crowd.waiting >= self.limits.queue_cap:
            raise QueueFull(self.limits.queue_cap)
        share = await self._join(connection, owner, returning=crowd.own_active == 0)
        speeds = await self._known_speeds(connection)
        slowest = max(speeds.values(), default=0.0)
        if (crowd.work + fields["cost"]) * slowest <= self.limits.max_wait_seconds:
            return  # even as the last one it would be in time
        waiting, shares = _crowd((await connection.execute(sql.CROWD_WAITING)).all())
        newcomer = Waiting(
            _NEWCOMER, owner, fields["cost"], fields["compatibility"], fields["priority"], fields["created_at"]
        )
        in_flight = await self._in_flight(connection)
        foreseen = self._foresee([*waiting, newcomer], {**shares, owner: share}, in_flight, speeds)
        eta = foreseen[_NEWCOMER].eta_seconds
        if eta is not None and eta > self.limits.max_wait_seconds:
            raise WaitTooLong(eta)

    async def _join(self, connection: AsyncConnection, owner: int, *, returning: bool) -> Share:
        """The person's account, opened or brought up to date if they have nothing in the queue."""
        row = (await connection.execute(sql.OWNER, {"owner": owner})).one_or_none()
        share = Share() if row is None else Share(row.virtual_time, row.weight)
        if not returning and row is not None:
            return share
        lowest = (await connection.execute(sql.LOWEST_ACTIVE_TIME)).scalar_one()
        highest = (await connection.execute(sql.HIGHEST_TIME)).scalar_one() if lowest is None else None
        time_now = joining_time(share.virtual_time, [] if lowest is None else [lowest], highest or 0.0)
        if row is None:
            await connection.execute(sql.ADD_OWNER, {"owner_id": owner, "virtual_time": time_now})
        elif time_now != share.virtual_time:
            await connection.execute(sql.SET_OWNER_TIME, {"owner": owner, "time": time_now})
        return Share(time_now, share.weight)

    async def _in_flight(self, connection: AsyncConnection) -> list[InFlight]:
        rows = (await connection.execute(sql.CROWD_IN_FLIGHT)).all()
        return [
            InFlight(row.id, row.owner_id, row.compatibility, row.cost * (1 - self.progress.get(row.id, 0.0)))
            for row in rows
        ]

    def _foresee(
        self,
        waiting: list[Waiting],
        shares: Mapping[int, Share],
        in_flight: list[InFlight],
        speeds: Mapping[str, float],
    ) -> dict[int, Outlook]:
        slots = self.slots or len(in_flight)
        order = serving_order(waiting, shares, in_flight, slots=slots, now=self._clock(), limits=self.limits)
        return outlooks(order, in_flight, speeds, online=self.slots != 0)

    async def _settle(
        self,
        job_id: int,
        state: State,
        outcome: Finished | Failed | Cancelled,
        device_seconds: float | None = None,
    ) -> bool:
        async with self._write() as connection:
            if device_seconds is not None:
                row = (await connection.execute(sql.IN_FLIGHT_JOB, {"job_id": job_id})).one_or_none()
                if row is not None:
                    await self._learn(connection, row.compatibility, device_seconds / row.cost)
            return await self._settle_in(connection, job_id, state, outcome)

    async def _settle_in(
        self, connection: AsyncConnection, job_id: int, state: State, outcome: Finished | Failed | Cancelled
    ) -> bool:
        values = {"new_state": state, "result": outcome.model_dump_json(), "now": self._clock()}
        result = await connection.execute(sql.SETTLE, {"job_id": job_id, **values})
        self.progress.pop(job_id, None)
        return bool(result.rowcount)

    async def _fail(self, job_id: int, failure: Failed) -> State | None:
        async with self._write() as connection:
            row = (await connection.execute(sql.IN_FLIGHT_JOB, {"job_id": job_id})).one_or_none()
            again = row is not None and failure.retryable and row.retries < self.limits.retries
            if row is None or not again or row.attempts >= self.limits.attempts:
                return "failed" if await self._settle_in(connection, job_id, "failed", failure) else None
            pause = self.limits.retry_seconds * 2**row.retries * random.uniform(0.8, 1.2)
            await connection.execute(sql.POSTPONE, {"job_id": job_id, "due": self._clock() + pause})
            await self._refund(connection, row)
        self.progress.pop(job_id, None)
        return "retry_wait"

    def _end_of_patience(self, cause: str, crashes: int, attempts: int) -> tuple[State, Failed] | None:
        if crashes >= self.limits.lone_crashes:
            message = f"{cause}: the engine ended {crashes} times with only this job inside"
            return "dead", Failed(code="engine_crashed", message=message)
        if attempts >= self.limits.attempts:
            return "failed", Failed(code="too_many_attempts", message=f"{cause}: given up after {attempts} attempts")
        return None

    async def _refund(self, connection: AsyncConnection, row: AnyRow) -> None:
        await connection.execute(sql.CHARGE, {"owner": row.owner_id, "work": -row.cost})

    async def _known_speeds(self, connection: AsyncConnection) -> dict[str, float]:
        if self._speeds is None:
            rows = (await connection.execute(sql.SPEEDS)).all()
            self._speeds = {row.compatibility: row.seconds_per_unit for row in rows}
        return self._speeds

    async def _learn(self, connection: AsyncConnection, key: str, measured: float) -> None:
        speeds = await self._known_speeds(connection)
        fresh = key not in speeds
        speed = blend(speeds.get(key), measured)
        speeds[key] = speed
        if fresh:
            values = {"compatibility": key, "seconds_per_unit": speed, "measured_at": self._clock()}
            await connection.execute(sql.ADD_SPEED, values)
        else:
            await connection.execute(sql.SET_SPEED, {"key": key, "speed": speed, "now": self._clock()})


def _crowd(rows: Sequence[AnyRow]) -> tuple[list[Waiting], dict[int, Share]]:
    waiting = [
        Waiting(row.id, row.owner_id, row.cost, row.compatibility, row.priority, row.since, row.suspect, row.overtaken)
        for row in rows
    ]
    return waiting, {row.owner_id: Share(row.virtual_time, row.weight) for row in rows}
