"""The jobs table and its state machine: the truth about every job.

    new ─ announced ─▶ queued ─ picked ─▶ sent ─ started ─▶ running ─▶ done | failed | dead
                         ▲ ▲                └───── interrupted ───┤
                         │ └──────────────────────────────────────┘      sent, running ─ cancelled ─▶ stopping
                         └── retry_wait ◀── transient failure ────┘      stopping, and all that wait ─▶ cancelled

Every arrow is one UPDATE that names the states it leaves, so of two that race one wins; the first terminal state
stays. What is stopping waits for its worker's last word, holds no place and no slot, and can only end as cancelled:
with the pictures that were whole by then, if that word brings any. What a method has returned is on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inference.queue import statements as sql
from inference.queue import transitions
from inference.queue.admission import NEWCOMER, admit, alone, crowd_of, heads, in_flight, known_before, readmit
from inference.queue.database import inserting
from inference.queue.fairness import InFlight, Limits, Outlook, Share, Waiting, outlooks, picks, serving_order
from inference.queue.fleet import Fleet
from inference.queue.foresight import Taken
from inference.queue.jobs import Accepted, Job, OutOfOrder, Trouble, Verdict, job_of
from inference.queue.learning import Speeds
from inference.queue.placing import Placed, rooms_of
from inference.queue.reading import JobReader
from inference.queue.tables import owners
from inference.queue.transport import Interrupted, WorkerOffer
from inference.requests import AnyRequest, Cancelled, Failed, Finished, kind_in

_NO_LIMITS = Limits(waiting_per_person=2**31, queue_cap=2**31, max_wait_seconds=float("inf"))


class Ledger(JobReader):
    """Jobs in a database. One dispatcher works on it; any number of tasks accept, cancel and look.

    `slots` is what the dispatcher last saw (None before that) and `progress` the done part of each running job: both
    only make the outlook better. While there is a `trouble`, new jobs are refused.
    """

    def __init__(
        self, database: AsyncEngine, *, limits: Limits | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(database)
        self.limits = limits or Limits()
        self.slots: int | None = None
        self.progress: dict[int, float] = {}
        self.trouble: Trouble | None = None
        self._database = database
        self._clock = clock
        self._writing = asyncio.Lock()  # what looks before it writes: PostgreSQL would let two look at once
        self._speeds = Speeds()

    # What the bot does

    async def accept(
        self,
        *,
        update_id: int | None,
        owner_id: int,
        chat_id: int,
        request: AnyRequest,
        context: dict[str, Any],
        key: str | None = None,
        reply_to: int | None = None,
        priority: int = 0,
        admitted: bool = False,
    ) -> Accepted:
        """Writes a new job down, durably before it returns. An update seen before gives the job it made then.

        `context` is kept and never read; `key` and `reply_to` may be asked for later (inference.queue.lookups).
        Raises OutOfOrder, TooManyWaiting, QueueFull or WaitTooLong, unless it was `admitted` with a job that it carries
        on.
        """
        compatibility, work, now = request.compatibility_key, request.cost, self._clock()
        newcomer = Waiting(
            NEWCOMER,
            owner_id,
            work,
            compatibility,
            priority,
            since=now,
            developed=request.developed,
            drawings=request.drawings,
        )
        fields = {
            "update_id": update_id,
            "owner_id": owner_id,
            "chat_id": chat_id,
            "request": request.model_dump_json(),
            "context": context,
            "key": key,
            "reply_to": reply_to,
            "compatibility": compatibility,
            "cost": work,
            "developed": request.developed,
            "drawings": request.drawings,
            "priority": priority,
            "state": "new",
            "created_at": now,
        }
        try:
            async with self._write() as connection:
                await alone(connection)
                if (known := await known_before(connection, update_id, now)) is not None:
                    return Accepted(known, fresh=False)
                if self.trouble is not None and not admitted:
                    raise OutOfOrder(self.trouble)
                limits = _NO_LIMITS if admitted else self.limits
                await admit(connection, newcomer, limits, await self._speeds.known(connection), self._foresee)
                job = job_of((await connection.execute(sql.ADD_JOB, fields)).one())
        except IntegrityError:  # another process took the same update in the meantime
            async with self._read() as connection:
                known = await known_before(connection, update_id, now)
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

    async def reword(self, job_id: int, request: AnyRequest, context: dict[str, Any]) -> Job | None:
        """Has a job that waits draw something else, in its place. None if it waits no more. Raises WaitTooLong."""
        async with self._write() as connection:
            await alone(connection)
            known = await self._speeds.known(connection)
            await readmit(connection, job_id, request, self.limits, known, self._foresee)
            row = await transitions.reword(connection, job_id, request, context)
        return None if row is None else job_of(row)

    async def move_message(self, job_id: int, message_id: int) -> None:
        """From now on another message shows the job's status."""
        async with self._write() as connection:
            await connection.execute(sql.MOVE_MESSAGE, {"job_id": job_id, "message": message_id})

    async def cancel(self, job_id: int) -> Verdict:
        """Ends a job that waits; one at a worker is `stopping` until `finish`, `interrupted` or `stopped` ends it. The
        dispatcher's `cancel` also tells the worker."""
        async with self._write() as connection:
            return await transitions.cancel(connection, job_id, self._clock())

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
            values = {"owner_id": owner_id, "weight": weight}
            statement = inserting(connection, owners).values(values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["owner_id"], set_={"weight": weight})
            )

    async def outlook(self, job_id: int) -> Outlook | None:
        """What to expect of a job that waits; None for any other."""
        return (await self.outlooks()).get(job_id)

    async def outlooks(self, *, announced: bool = False) -> dict[int, Outlook]:
        """What to expect of every waiting job, or of every one that is announced, by id, in serving order."""
        async with self._read() as connection:
            foresight = await self._speeds.known(connection)
            running = await in_flight(connection, self.progress)
            rows = (await connection.execute(sql.CROWD_WAITING)).all()
        waiting, shares = crowd_of(rows)
        foreseen = self._foresee(waiting, shares, running, foresight)
        hidden = {row.id for row in rows if row.state == "new"} if announced else set()
        return {job_id: outlook for job_id, outlook in foreseen.items() if job_id not in hidden}

    async def estimate(self, request: AnyRequest) -> float | None:
        """Device seconds that a request would take by itself, its model being loaded; None while nothing has been
        measured."""
        async with self._read() as connection:
            fleet = await self._speeds.known(connection)
        return fleet.seconds(request.compatibility_key, request.cost, request.developed, request.drawings)

    async def expected(self, job_id: int, worker: str | None = None) -> float | None:
        """The same of a job that has been released, to this worker if that is known."""
        async with self._read() as connection:
            row = (await connection.execute(sql.JOB_AT_WORKER, {"job_id": job_id})).one_or_none()
            foresight = (await self._speeds.known(connection)).at(worker or "")
        return None if row is None else foresight.seconds(row.compatibility, row.cost, row.developed, row.drawings)

    # What the dispatcher does

    def meet(self, workers: Sequence[WorkerOffer]) -> bool:
        """Who draws now, and how fast each knows itself to be, on which all that is foreseen is built. Whether that is
        news."""
        return self._speeds.meet(workers)

    async def release(
        self,
        workers: Sequence[WorkerOffer],
        where: Callable[[int], str | None] = lambda job_id: None,
        drawn: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> list[Placed]:
        """Picks as many jobs as there are free slots at workers that can draw them, and marks them sent, their owners
        charged. `where(job_id)` is the worker that has a job, `drawn` are the kinds that each has drawn lately."""
        async with self._read() as connection:
            running = await in_flight(connection, self.progress)
            room = sum(worker.slots for worker in workers) - len(running)
            if room <= 0:
                return []
            waiting, shares = await heads(connection, room, workers)
        now, rooms = self._clock(), rooms_of(workers, running, where, drawn)
        chosen = picks(waiting, shares, running, room=room, now=now, limits=self.limits, rooms=rooms)
        if not chosen:
            return []
        async with self._write() as connection:
            return await transitions.send(connection, chosen, now)

    async def started(self, job_id: int) -> bool:
        """Notes that the engine has begun with a job. False if it is no longer ours to begin."""
        async with self._write() as connection:
            return bool((await connection.execute(sql.START, {"job_id": job_id, "now": self._clock()})).rowcount)

    async def finish(
        self,
        job_id: int,
        outcome: Finished | Failed,
        device_seconds: float | None = None,
        worker: str | None = None,
    ) -> Finished | Failed | Cancelled | None:
        """Settles a job and returns its outcome, or None if it has ended before: the first outcome stays. What is
        stopping ends as cancelled, with the pictures of this outcome.

        None as well for a transient failure that is to be tried again. `device_seconds` at its `worker` feed what is
        foreseen.
        """
        async with self._write() as connection:
            row = (await connection.execute(sql.JOB_AT_WORKER_TO_CHANGE, {"job_id": job_id})).one_or_none()
            progress, now = self.progress.pop(job_id, None), self._clock()
            if transitions.is_stopping(row):
                return await transitions.stopped(connection, job_id, row, outcome, progress, now)
            if isinstance(outcome, Failed):
                return await transitions.fail(connection, job_id, row, outcome, self.limits, now)
            if row is not None and device_seconds is not None and not _cut_short(outcome):
                taken = Taken.each(device_seconds, row.cost, row.developed, row.drawings)
                await self._speeds.learn(connection, worker, kind_in(row.compatibility), taken, now)
            return outcome if await transitions.settle(connection, job_id, "done", outcome, now) else None

    async def stopped(self, job_id: int, word: Cancelled | None = None) -> Cancelled | None:
        """Ends a job that is stopping by its worker's word, or without one. None for any other: nobody has cancelled
        it, or it has ended."""
        async with self._write() as connection:
            row = (await connection.execute(sql.JOB_AT_WORKER_TO_CHANGE, {"job_id": job_id})).one_or_none()
            if not transitions.is_stopping(row):
                return None
            progress = self.progress.pop(job_id, None)
            return await transitions.stopped(connection, job_id, row, word or Cancelled(), progress, self._clock())

    async def interrupted(self, job_id: int, interruption: Interrupted) -> Failed | Cancelled | None:
        """Puts a job back whose run ended without an outcome. Returns its failure if that was one time too many; what
        was stopping is cancelled and never comes back.

        A crash of the engine makes it a suspect, which runs alone; the third crash with nobody else inside ends it.
        Its owner gets the charge back, so it stands where it stood. A drained run does not count as an attempt.
        """
        async with self._write() as connection:
            row = (await connection.execute(sql.JOB_AT_WORKER_TO_CHANGE, {"job_id": job_id})).one_or_none()
            if row is None:
                return None
            progress, now = self.progress.pop(job_id, None), self._clock()
            if transitions.is_stopping(row):
                return await transitions.stopped(connection, job_id, row, Cancelled(), progress, now)
            return await transitions.put_back(connection, job_id, row, interruption, self.limits, now)

    async def resume_retries(self) -> float | None:
        """Queues the jobs whose pause is over. Returns the seconds until the next one's is, None if none pauses."""
        now = self._clock()
        # A pause longer than any we give can only come from a clock that was set back.
        absurd = now + self.limits.retry_seconds * 2**self.limits.retries * 2
        async with self._write() as connection:
            await connection.execute(sql.RESUME, {"now": now, "absurd": absurd})
            due = (await connection.execute(sql.NEXT_DUE)).scalar_one()
        return None if due is None else max(0.0, float(due) - now)

    async def prove(self) -> None:
        """Writes what is there already. Raises what the database raises while it takes nothing."""
        async with self._write() as connection:
            await connection.execute(sql.PROVE)

    # Inside

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing, self._database.begin() as connection:
            yield connection

    def _foresee(
        self,
        waiting: list[Waiting],
        shares: Mapping[int, Share],
        running: list[InFlight],
        fleet: Fleet,
    ) -> dict[int, Outlook]:
        slots = self.slots or len(running)
        order = serving_order(waiting, shares, running, slots=slots, now=self._clock(), limits=self.limits)
        return outlooks(order, running, fleet, online=self.slots != 0)


def _cut_short(outcome: Finished) -> bool:
    """Whether less was drawn than was asked for: what that took says nothing of the whole."""
    return any(note.code == "timed_out" for note in outcome.notes)
