"""The inbox in SQL: a row an update, written before Telegram may forget it, emptied when it has been handled."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.handling import noted_in, row_of
from bot.store.tables import inbox, inbox_steps
from inference.queue.database import inserting, reading, unsynced

REMEMBERED_SECONDS = 2 * 24 * 3600.0  # Telegram keeps an update a day, and may begin its ids anew after a week
KEPT_ASIDE_SECONDS = 30 * 24 * 3600.0

_THIS = inbox.c.update_id == bindparam("this")
_BEGUN = update(inbox).where(_THIS).values(attempts=bindparam("tries"))
_HANDLED = update(inbox).where(_THIS).values(body=None, handled_at=bindparam("now"))
_ASIDE = update(inbox).where(_THIS).values(set_aside=bindparam("why"))
_FORGET_STEPS = delete(inbox_steps).where(inbox_steps.c.update_id == bindparam("this"))


@dataclass(frozen=True)
class Left:
    """An update that was received and not handled to its end; `tries` is how often that was begun."""

    update_id: int
    body: str
    tries: int
    steps: dict[str, Any]


@dataclass
class Changes:
    """What is to be noted of updates in hand, in one transaction."""

    begun: dict[int, int] = field(default_factory=dict)
    handled: list[int] = field(default_factory=list)
    steps: dict[tuple[int, str], Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.begun or self.handled or self.steps)


class InboxRows:
    """Queries over one database. Raises what the database raises."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._unsynced = unsynced(database)
        self._clock = clock

    async def add(self, bodies: Mapping[int, str]) -> frozenset[int]:
        """Writes updates down, durably and with one commit; returns the ids of those that were not known yet."""
        if not bodies:
            return frozenset()
        now = self._clock()
        rows = [{"update_id": id_, "body": body, "received_at": now} for id_, body in bodies.items()]
        async with self._database.begin() as connection:
            statement = inserting(connection, inbox).values(rows).on_conflict_do_nothing()
            statement_with_ids = statement.returning(inbox.c.update_id)
            return frozenset((await connection.execute(statement_with_ids)).scalars())

    async def left(self) -> list[Left]:
        """What waits to be handled, in the order of the ids."""
        waits = inbox.c.handled_at.is_(None) & inbox.c.set_aside.is_(None)
        known = select(inbox_steps).where(inbox_steps.c.update_id.in_(select(inbox.c.update_id).where(waits)))
        async with self._reading.connect() as connection:
            rows = (await connection.execute(select(inbox).where(waits).order_by(inbox.c.update_id))).all()
            steps: dict[int, dict[str, str | None]] = defaultdict(dict)
            for step in await connection.execute(known):
                steps[step.update_id][step.step] = step.result
        return [Left(row.update_id, row.body, row.attempts, noted_in(steps[row.update_id])) for row in rows]

    async def write(self, changes: Changes) -> None:
        """Notes changes without an fsync: they outlive this process, and a power cut merely has some handled again."""
        done = frozenset(changes.handled)
        begun = [{"this": id_, "tries": tries} for id_, tries in changes.begun.items() if id_ not in done]
        steps = [row_of(id_, step, result) for (id_, step), result in changes.steps.items() if id_ not in done]
        handled = [{"this": id_} for id_ in changes.handled]
        async with self._unsynced.begin() as connection:
            if begun:
                await connection.execute(_BEGUN, begun)
            if steps:
                await connection.execute(inserting(connection, inbox_steps).on_conflict_do_nothing(), steps)
            if handled:
                now = self._clock()
                await connection.execute(_HANDLED, [{**row, "now": now} for row in handled])
                await connection.execute(_FORGET_STEPS, handled)

    async def set_aside(self, update_id: int, why: str) -> None:
        """Nobody tries this update again; its row is kept for whoever looks into it."""
        async with self._database.begin() as connection:
            await connection.execute(_ASIDE, [{"this": update_id, "why": why[:255]}])

    async def forget_old(self) -> None:
        """Drops the ids of updates that Telegram no longer repeats, and what was set aside long ago."""
        now = self._clock()
        old = (inbox.c.handled_at < now - REMEMBERED_SECONDS) | (
            inbox.c.set_aside.is_not(None) & (inbox.c.received_at < now - KEPT_ASIDE_SECONDS)
        )
        living = select(inbox.c.update_id).where(inbox.c.handled_at.is_(None), inbox.c.set_aside.is_(None))
        async with self._unsynced.begin() as connection:
            await connection.execute(delete(inbox).where(old))
            await connection.execute(delete(inbox_steps).where(inbox_steps.c.update_id.not_in(living)))
