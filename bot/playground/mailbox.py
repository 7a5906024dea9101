"""The updates of one bot: what waits, what was delivered, and the one poll that may hold."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.playground.errors import ApiError
from bot.playground.store import Store

REMEMBERED = 1000
POLLED_LATELY = 60.0  # seconds

OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass
class Update:
    """`queue` names the chat or person: a webhook gets the updates of one queue one after the other."""

    id: int
    type: str
    body: dict[str, Any]
    queue: str
    created: float = field(default_factory=time.time)

    def as_json(self) -> dict[str, Any]:
        return {"update_id": self.id, **self.body}


class Mailbox:
    def __init__(self, store: Store, bot_id: int) -> None:
        self.store = store
        self.bot_id = bot_id
        mine = (it for key, it in store.documents("update") if key.startswith(f"{bot_id}/"))
        self.pending = sorted((Update(**it) for it in mine), key=lambda it: it.id)
        self.history: deque[Update] = deque(self.pending, maxlen=REMEMBERED)
        self.delivered: dict[int, int] = {}
        self.again: list[Update] = []  # to be handed out once more, confirmed or not
        self.arrived = asyncio.Event()
        self.poll: object | None = None  # the one that may hold
        self.ended_by = OTHER_POLL
        self.last_poll = 0.0

    def put(self, update: Update) -> None:
        self.history.append(update)
        self.pending.append(update)
        self.store.put("update", f"{self.bot_id}/{update.id}", asdict(update))
        self.arrived.set()

    def redeliver(self, update_id: int) -> bool:
        """Put an update that is known in front of the line once more."""
        update = next((it for it in self.history if it.id == update_id), None)
        if update is None:
            return False
        self.again.append(update)
        self.arrived.set()
        return True

    def confirm(self, *updates: Update) -> None:
        for update in updates:
            if update in self.pending:
                self.pending.remove(update)
            self.store.delete("update", f"{self.bot_id}/{update.id}")

    def forget(self) -> None:
        self.confirm(*list(self.pending))
        self.history.clear()
        self.again.clear()
        self.delivered.clear()

    def note_delivery(self, update: Update) -> None:
        self.delivered[update.id] = self.delivered.get(update.id, 0) + 1

    def is_polled(self) -> bool:
        return self.poll is not None or time.monotonic() - self.last_poll < POLLED_LATELY

    def end_poll(self, reason: str = OTHER_POLL) -> None:
        """Whoever holds a poll gets a 409 with this reason."""
        self.ended_by = reason
        self.poll = None
        self.arrived.set()

    async def take(self, offset: int, limit: int, hold: float) -> list[Update]:
        """getUpdates: confirm what lies before `offset`, then hold for an update, at most `hold` seconds.

        A second poll ends the first with 409. A negative offset keeps only that many of the newest.
        """
        self.end_poll()
        mine = self.poll = object()
        self.last_poll = time.monotonic()
        self._confirm_before(offset)
        try:
            await self._wait(mine, hold)
        finally:
            self.last_poll = time.monotonic()
            if self.poll is mine:
                self.poll = None
        batch = (self.again + self.pending)[:limit]
        del self.again[:limit]
        for update in batch:
            self.note_delivery(update)
        return batch

    def _confirm_before(self, offset: int) -> None:
        if offset < 0:
            self.confirm(*self.pending[:offset])
        elif offset > 0:
            self.confirm(*(it for it in self.pending if it.id < offset))

    async def _wait(self, mine: object, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.again and not self.pending:
                    self.arrived.clear()
                    await self.arrived.wait()
                    if self.poll is not mine:
                        raise ApiError(409, f"Conflict: {self.ended_by}")
