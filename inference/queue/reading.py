"""What can be asked of the jobs without changing any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inference.queue import statements as sql
from inference.queue.database import reading
from inference.queue.jobs import AnyRow, Job, job_of


class JobReader:
    """Reads the table of jobs."""

    def __init__(self, database: AsyncEngine) -> None:
        self._reading = reading(database)

    async def job(self, job_id: int) -> Job | None:
        rows = await self._rows(sql.JOB, job_id=job_id)
        return job_of(rows[0]) if rows else None

    async def of_update(self, update_id: int) -> Job | None:
        """The job that an update has made; one that carries another on is that of the update by its negative id."""
        rows = await self._rows(sql.JOB_OF_UPDATE, update=update_id)
        return job_of(rows[0]) if rows else None

    async def active(self, owner_id: int | None = None) -> list[Job]:
        """Jobs that have not ended, of one person or of all, oldest first."""
        if owner_id is None:
            return [job_of(row) for row in await self._rows(sql.JOBS_LIVING)]
        return [job_of(row) for row in await self._rows(sql.JOBS_LIVING_OF_OWNER, owner=owner_id)]

    async def ordered_by(self, owner_id: int, chat_id: int, message_id: int) -> Job | None:
        """The last job, in whatever state, that a message of this person in this chat has ordered."""
        rows = await self._rows(sql.JOB_ORDERED_BY, owner=owner_id, chat=chat_id, message=message_id)
        return job_of(rows[0]) if rows else None

    async def unannounced(self) -> list[Job]:
        """New jobs without a status message: the bot died between accepting and announcing them."""
        return [job_of(row) for row in await self._rows(sql.JOBS_UNANNOUNCED)]

    async def unshown(self) -> list[Job]:
        """Jobs that have ended and whose outcome nobody has seen, in the order they ended."""
        return [job_of(row) for row in await self._rows(sql.JOBS_UNSHOWN)]

    async def in_flight(self) -> frozenset[int]:
        """Ids of the jobs that should be at a worker."""
        return frozenset(row.id for row in await self._rows(sql.IDS_IN_FLIGHT))

    async def stopping(self) -> frozenset[int]:
        """Ids of the jobs whose workers have been told, or are still to be told, to stop."""
        return frozenset(row.id for row in await self._rows(sql.IDS_STOPPING))

    async def ended(self, job_ids: Sequence[int]) -> frozenset[int]:
        """Those among the ids whose jobs have ended."""
        return frozenset(row.id for row in await self._rows(sql.IDS_ENDED, job_ids=list(job_ids)))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        async with self._reading.connect() as connection:
            yield connection

    async def _rows(self, statement: Any, **values: Any) -> Sequence[AnyRow]:
        async with self._read() as connection:
            return (await connection.execute(statement, values)).all()
