"""The stream of what happens, for the chat page and for tests (Server-Sent Events)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

REMEMBERED = 1000


@dataclass(frozen=True)
class Event:
    id: int
    name: str
    data: str

    def as_bytes(self) -> bytes:
        return f"id: {self.id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


class EventStream:
    """Numbers events, remembers the latest thousand and hands them to whoever listens."""

    def __init__(self) -> None:
        self.last_id = 0
        self.recent: deque[Event] = deque(maxlen=REMEMBERED)
        self.listeners: set[asyncio.Queue[Event]] = set()

    def publish(self, name: str, data: Callable[[], dict[str, Any]] | dict[str, Any]) -> None:
        self.last_id += 1
        body = data() if callable(data) else data
        event = Event(self.last_id, name, json.dumps(body, ensure_ascii=False, separators=(",", ":")))
        self.recent.append(event)
        for listener in list(self.listeners):
            if listener.full():
                # Someone stopped reading: they reconnect and get what is remembered.
                self.listeners.discard(listener)
            else:
                listener.put_nowait(event)

    async def listen(self, after: int | None) -> AsyncIterator[Event | None]:
        """Events newer than `after` (only new ones if None); None every 15 s without news, to keep the line open."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=4 * REMEMBERED)
        for event in self.recent:
            if after is not None and event.id > after:
                queue.put_nowait(event)
        self.listeners.add(queue)
        try:
            while queue in self.listeners or not queue.empty():
                try:
                    yield await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    yield None
        finally:
            self.listeners.discard(queue)
