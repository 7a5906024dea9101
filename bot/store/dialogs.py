"""Which of the questions that somebody has been asked is the one that they are answering.

In a chat a person has one open dialog: the draft that was begun or went on last. It listens for a while to what comes
without answering its message, and no longer than until something else is asked for. Its buttons, and answers to its
message, go on working after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.handling import note, result_of, steps_named
from bot.store.records import Draft
from bot.store.sources import Sources
from bot.store.tables import drafts
from inference.queue.database import reading, take_turns

LISTENING_SECONDS = 30 * 60.0


class Dialogs:
    """Queries over one database; what they change is on disk when they return."""

    def __init__(self, database: AsyncEngine, sources: Sources, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._sources = sources
        self._clock = clock

    async def listening(self, owner_id: int, chat_id: int) -> Draft | None:
        """The open dialog of somebody in a chat, as it was before the update in hand."""
        query = (
            select(drafts.c.id, drafts.c.kind)
            .where(
                drafts.c.owner_id == owner_id,
                drafts.c.chat_id == chat_id,
                or_(drafts.c.closed_at.is_(None), drafts.c.id.in_(steps_named("closed"))),
                or_(drafts.c.listens_until > self._clock(), drafts.c.id.in_(steps_named("hushed"))),
            )
            .order_by(drafts.c.id.desc())
        )
        async with self._reading.connect() as connection:
            found = (await connection.execute(query)).all()
        before = [draft_id for draft_id, kind in found if draft_id != result_of(f"draft {kind}")]
        return await self._sources.draft(before[0]) if before else None

    async def listen(self, draft: Draft) -> None:
        """Makes a draft the open dialog of its owner in its chat, from now on for half an hour."""
        async with self._database.begin() as connection:
            await self._hush(connection, draft.owner_id, draft.chat_id, but=draft.id)
            until = self._clock() + LISTENING_SECONDS
            await connection.execute(update(drafts).where(drafts.c.id == draft.id).values(listens_until=until))

    async def hush(self, owner_id: int, chat_id: int) -> None:
        """From now on no dialog of somebody in a chat listens."""
        async with self._reading.connect() as connection:  # mostly there is none, and reading is cheap
            listens = await connection.scalar(select(exists(_listening(owner_id, chat_id))))
        if listens:
            async with self._database.begin() as connection:
                await self._hush(connection, owner_id, chat_id)

    async def _hush(self, connection: AsyncConnection, owner_id: int, chat_id: int, but: int = 0) -> None:
        await take_turns(connection, f"dialogs of {owner_id} in {chat_id}")
        others = _listening(owner_id, chat_id).where(drafts.c.id != but)
        for row in (await connection.execute(others)).all():
            if row.listens_until > self._clock():
                await note(connection, f"hushed {row.id}")
            await connection.execute(update(drafts).where(drafts.c.id == row.id).values(listens_until=None))


def _listening(owner_id: int, chat_id: int) -> Select[tuple[int, float]]:
    """The drafts that listen, or have done so when their time ran out."""
    return select(drafts.c.id, drafts.c.listens_until).where(
        drafts.c.owner_id == owner_id, drafts.c.chat_id == chat_id, drafts.c.listens_until.is_not(None)
    )
