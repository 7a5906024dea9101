"""The stream of what happens, for the chat page and for tests (Server-Sent Events)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
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

    def subscribe(self, after: int | None) -> asyncio.Queue[Event]:
        """A queue of all events newer than `after`, or of those still to come if None; `unsubscribe` it at the end."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=4 * REMEMBERED)
        for event in self.recent:
            if after is not None and event.id > after:
                queue.put_nowait(event)
        self.listeners.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        self.listeners.discard(queue)

    def is_behind(self, queue: asyncio.Queue[Event]) -> bool:
        """Whether this queue overflowed and has been read to its end: time to reconnect."""
        return queue not in self.listeners and queue.empty()
