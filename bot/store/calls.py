"""What programs have asked for under a key of their own choice, so that asking again finds the same job."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.statements import upsert
from bot.store.tables import api_calls
from inference.queue.database import reading

KEPT_SECONDS = 24 * 3600.0  # less than the ledger remembers an update for
FIRST_UPDATE = -(10**15)  # Telegram's ids are positive, and those of jobs that follow one another small
MOST_CALLS = 50_000  # of one person in that time, or a program that makes up keys without end fills the disk


class TooManyCalls(Exception):
    """A person's programs have made up MOST_CALLS keys already."""


class AskedOtherwise(Exception):
    """Something else was asked for under the same key."""


class ApiCalls:
    """Queries over one database; what they return is on disk."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def begun(self, owner_id: int, key: str, asked: str) -> int:
        """The update id under which the ledger takes what a person's program asks for under a key, once. Both are
        sha256 in hex. Raises AskedOtherwise and TooManyCalls."""
        now = self._clock()
        theirs = (api_calls.c.owner_id == owner_id, api_calls.c.key == key)
        others = select(func.count()).where(api_calls.c.owner_id == owner_id, api_calls.c.key != key)
        row = {"owner_id": owner_id, "key": key, "asked": asked, "created_at": now}
        async with self._database.begin() as connection:
            await connection.execute(delete(api_calls).where(api_calls.c.created_at < now - KEPT_SECONDS))
            if int(await connection.scalar(others) or 0) >= MOST_CALLS:
                raise TooManyCalls
            await upsert(connection, api_calls, row, key=("owner_id", "key"), keep=tuple(row))
            known = (await connection.execute(select(api_calls).where(*theirs))).one()
        if known.asked != asked:
            raise AskedOtherwise
        return FIRST_UPDATE - int(known.id)

    async def forget(self, update_id: int) -> None:
        """What was asked for under this update id may be asked for anew."""
        async with self._database.begin() as connection:
            await connection.execute(delete(api_calls).where(api_calls.c.id == FIRST_UPDATE - update_id))
