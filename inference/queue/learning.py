"""What jobs have taken, kept in the database: the memory of a foresight."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from inference.queue import statements as sql
from inference.queue import tables
from inference.queue.database import inserting
from inference.queue.foresight import KEPT, Foresight, Taken
from inference.queue.timings import Timings

FORGOTTEN_AFTER_SECONDS = 400 * 24 * 3600.0


class Speeds:
    """The latest jobs of each kind on one basis, and what is foreseen by them and by the worker's own timing.

    Until a worker has introduced itself, that is the basis on which the last job was measured.
    """

    def __init__(self) -> None:
        self._timings: Timings | None = None
        self._recent: dict[str, list[Taken]] | None = None
        self._basis = ""
        self._foresight = Foresight()

    def told(self, timings: Timings) -> bool:
        """What a worker knows of its own speed. Whether that is news."""
        if timings == self._timings:
            return False
        if self._timings is None or timings.basis != self._timings.basis:
            self._recent = None
        self._timings = timings
        if self._recent is not None:
            self._foresight = Foresight(timings, self._recent)
        return True

    async def known(self, connection: AsyncConnection) -> Foresight:
        """What can be foreseen now."""
        await self._jobs(connection)
        return self._foresight

    async def learn(self, connection: AsyncConnection, kind: str, taken: Taken, now: float) -> None:
        """Takes in what a job has taken."""
        if not (taken.seconds > 0 and math.isfinite(taken.seconds)):
            return
        known = await self._jobs(connection)
        jobs = [*known.get(kind, ()), taken][-KEPT:]
        listed = [list(job) for job in jobs]
        values = {"of": self._basis, "which": kind, "jobs": listed, "now": now}
        if not (await connection.execute(sql.SET_SPEED, values)).rowcount:
            await connection.execute(sql.FORGET_SPEEDS, {"before": now - FORGOTTEN_AFTER_SECONDS})
            row = {"basis": self._basis, "kind": kind, "recent": listed, "measured_at": now}
            await connection.execute(inserting(connection, tables.speeds).on_conflict_do_nothing(), row)
        known[kind] = jobs
        self._foresight = Foresight(self._timings, known)

    async def _jobs(self, connection: AsyncConnection) -> dict[str, list[Taken]]:
        while self._recent is None:
            timings = self._timings
            basis = timings.basis if timings is not None else await self._latest_basis(connection)
            rows = (await connection.execute(sql.SPEEDS, {"of": basis})).all()
            if timings is not self._timings or self._recent is not None:
                continue  # a worker has introduced itself meanwhile, or another task has read
            self._basis = basis
            self._recent = {row.kind: _read(row.recent) for row in rows}
            self._foresight = Foresight(timings, self._recent)
        return self._recent

    @staticmethod
    async def _latest_basis(connection: AsyncConnection) -> str:
        return (await connection.execute(sql.LATEST_BASIS)).scalar_one_or_none() or ""


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
