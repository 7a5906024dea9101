"""Small copies of the pictures that people have had in hand lately: what can be worked out again, and need not be."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.statements import upsert
from bot.store.tables import signatures
from inference.queue.database import reading, take_turns, unsynced

KEPT = 16  # of one person, those that were used last
KEPT_SECONDS = 7 * 24 * 3600.0


class Signatures:
    """Queries over one database. A signature is bytes, see `bot.imaging.signature`; it belongs to a blob."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._reading = reading(database)
        self._unsynced = unsynced(database)
        self._clock = clock

    async def known(self, owner_id: int, blobs: Collection[str]) -> dict[str, bytes]:
        """Of these pictures the signatures that are kept of this person."""
        query = select(signatures.c.blob, signatures.c.levels).where(
            signatures.c.owner_id == owner_id, signatures.c.blob.in_(list(blobs))
        )
        async with self._reading.connect() as connection:
            return {row.blob: row.levels for row in await connection.execute(query)}

    async def keep(self, owner_id: int, found: Mapping[str, bytes], *, used: Collection[str] = ()) -> None:
        """Keeps signatures by blob, and longer those `used`; what the person has used least of late goes where there
        are too many."""
        if not found and not used:
            return
        now, mine = self._clock(), signatures.c.owner_id == owner_id
        newest = select(signatures.c.blob).where(mine).order_by(signatures.c.used_at.desc()).limit(KEPT)
        async with self._unsynced.begin() as connection:
            await take_turns(connection, f"signatures of {owner_id}")
            for blob, levels in found.items():
                row = {"owner_id": owner_id, "blob": blob, "levels": levels, "used_at": now}
                await upsert(connection, signatures, row, key=("owner_id", "blob"), keep=())
            again = update(signatures).where(mine, signatures.c.blob.in_(list(used)))
            await connection.execute(again.values(used_at=now))
            await connection.execute(delete(signatures).where(mine, signatures.c.blob.not_in(newest)))


async def forget_signatures(connection: AsyncConnection, blob: str) -> None:
    """Of bytes that nothing shows any more nothing small is kept either."""
    await connection.execute(delete(signatures).where(signatures.c.blob == blob))


async def forget_old_signatures(connection: AsyncConnection, now: float) -> None:
    """Those that nobody has used for a week."""
    await connection.execute(delete(signatures).where(signatures.c.used_at < now - KEPT_SECONDS))
