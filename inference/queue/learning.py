"""What jobs have taken, kept in the database: the memory of a foresight."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from inference.queue import statements as sql
from inference.queue import tables
from inference.queue.database import inserting
from inference.queue.fleet import Fleet, Member
from inference.queue.foresight import KEPT, Foresight, Taken
from inference.queue.timings import MOST_KINDS, Timing, Timings
from inference.queue.transport import WorkerOffer

FORGOTTEN_AFTER_SECONDS = 400 * 24 * 3600.0
MOST_BASES = 64  # in memory

Recent = dict[str, list[Taken]]  # by kind, the latest last


class _Known(NamedTuple):
    """A worker as it has introduced itself."""

    timings: Timings
    kinds: Collection[str] | None


class Speeds:
    """The latest jobs of each kind on every basis in use, and what is foreseen by them and by each worker's own timing.

    Workers on one basis learn from each other. When the last one has left it is still known how fast they were; until
    one has introduced itself, the basis is that on which the last job was measured.
    """

    def __init__(self) -> None:
        self._workers: dict[str, _Known] | None = None
        self._recent: dict[str, Recent] = {}
        self._latest: str | None = None
        self._fleet: Fleet | None = None

    def meet(self, workers: Sequence[WorkerOffer]) -> bool:
        """Who is there now, and what each knows of its own speed. Whether that is news."""
        there = {
            worker.name: _Known(worker.timings or Timings(), None if worker.card is None else worker.card.kinds)
            for worker in workers
            if worker.slots or worker.timings is not None  # of others nothing is known yet
        }
        if not there or there == self._workers:
            return False
        self._workers, self._fleet = there, None
        return True

    async def known(self, connection: AsyncConnection) -> Fleet:
        """What can be foreseen now."""
        while (fleet := self._fleet) is None:
            workers = await self._introduced(connection)
            for worker in workers.values():
                await self._jobs(connection, worker.timings.basis)
            if self._workers is None or workers is self._workers:  # nobody has come or gone meanwhile
                self._fleet = self._made_of(workers)
        return fleet

    async def learn(self, connection: AsyncConnection, worker: str | None, kind: str, taken: Taken, now: float) -> None:
        """Takes in what a job has taken at a worker; where only one is known, it was that."""
        if not (taken.seconds > 0 and math.isfinite(taken.seconds)):
            return
        workers = await self._introduced(connection)
        known = workers.get(worker or "") or (next(iter(workers.values())) if len(workers) == 1 else None)
        if known is None:
            return
        basis = known.timings.basis
        recent = await self._jobs(connection, basis)
        jobs = [*recent.get(kind, ()), taken][-KEPT:]
        listed = [list(job) for job in jobs]
        values = {"of": basis, "which": kind, "jobs": listed, "now": now}
        if not (await connection.execute(sql.SET_SPEED, values)).rowcount:
            await connection.execute(sql.FORGET_SPEEDS, {"before": now - FORGOTTEN_AFTER_SECONDS})
            row = {"basis": basis, "kind": kind, "recent": listed, "measured_at": now}
            await connection.execute(inserting(connection, tables.speeds).on_conflict_do_nothing(), row)
        recent[kind] = jobs
        self._fleet = None

    async def _introduced(self, connection: AsyncConnection) -> Mapping[str, _Known]:
        if self._workers is not None:
            return self._workers
        if self._latest is None:
            self._latest = (await connection.execute(sql.LATEST_BASIS)).scalar_one_or_none() or ""
        return {"": _Known(Timings(basis=self._latest), None)}

    async def _jobs(self, connection: AsyncConnection, basis: str) -> Recent:
        if basis not in self._recent:
            rows = (await connection.execute(sql.SPEEDS, {"of": basis})).all()
            if len(self._recent) >= MOST_BASES:
                self._recent.clear()
            self._recent.setdefault(basis, {row.kind: _read(row.recent) for row in rows})
        return self._recent[basis]

    def _made_of(self, workers: Mapping[str, _Known]) -> Fleet:
        """Of each worker what all on its basis have found out."""
        kinds: dict[str, dict[str, Timing]] = {}
        for worker in workers.values():
            kinds.setdefault(worker.timings.basis, {}).update(worker.timings.kinds)
        foresights = {
            basis: Foresight(Timings(kinds=dict(list(found.items())[:MOST_KINDS])), self._recent.get(basis, {}))
            for basis, found in kinds.items()
        }
        return Fleet([Member(name, foresights[one.timings.basis], one.kinds) for name, one in workers.items()])


def _read(stored: Any) -> list[Taken]:
    """The jobs of a row; what is not three numbers is left out, for no row may keep the queue from working."""
    jobs = []
    for job in stored if isinstance(stored, list) else ():
        numbers = isinstance(job, list) and len(job) == len(Taken._fields) and all(_number(value) for value in job)
        if numbers and job[0] > 0:
            jobs.append(Taken(*map(float, job)))
    return jobs[-KEPT:]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
