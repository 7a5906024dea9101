"""Messages that are about to be sent: written down before, struck out together with the post they became."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.tables import posts, sendings
from inference.queue.database import inserting, reading
from inference.queue.lookups import messages_answered

KEPT_SECONDS = 2 * 24 * 3600.0
NEAR = 32  # ids that are looked through for one that nobody knows
_OWN_NUMBERS = -1_000_000_000_000  # supergroups below this number their messages by themselves, other chats together
_NO_CHAT = 2**62  # above every id


class Sendings:
    """Queries over one database; what they return is on disk."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def intend(self, chat_id: int, key: str, after: int | None) -> bool:
        """Notes that a message is about to be sent. False where that was noted before: it may be there already."""
        async with self._database.begin() as connection:
            newest = await connection.scalar(select(func.max(posts.c.message_id)).where(posts.c.chat_id == chat_id))
            last = max((known for known in (after, newest) if known is not None), default=None)
            row = {"chat_id": chat_id, "key": key, "after": last, "created_at": self._clock()}
            statement = inserting(connection, sendings).values(row).on_conflict_do_nothing()
            return bool((await connection.execute(statement)).rowcount)

    async def strike(self, chat_id: int, key: str) -> None:
        """The message was certainly not sent."""
        async with self._database.begin() as connection:
            await connection.execute(sendings.delete().where(sendings.c.chat_id == chat_id, sendings.c.key == key))

    async def likeliest(self, chat_id: int, key: str) -> int | None:
        """The id that the message has most likely got: the first one after what was there that nothing else has."""
        query = select(sendings.c.after).where(sendings.c.chat_id == chat_id, sendings.c.key == key)
        async with self._reading.connect() as connection:
            after = await connection.scalar(query)
            if after is None:
                return None
            near = range(after + 1, after + 1 + NEAR)
            together = chat_id > _OWN_NUMBERS
            ours = select(posts.c.message_id).where(
                posts.c.message_id.in_(near),
                posts.c.chat_id > _OWN_NUMBERS if together else posts.c.chat_id == chat_id,
            )
            chats = range(_OWN_NUMBERS + 1, _NO_CHAT) if together else range(chat_id, chat_id + 1)
            theirs = messages_answered(near, chats=chats, since=self._clock() - KEPT_SECONDS)
            taken = {*(await connection.scalars(ours)), *(await connection.scalars(theirs))}
        return next((number for number in near if number not in taken), None)

    async def forget_old(self) -> None:
        """Strikes out what nobody has come back to for two days."""
        async with self._database.begin() as connection:
            await connection.execute(sendings.delete().where(sendings.c.created_at < self._clock() - KEPT_SECONDS))
