"""What the door works with, in the bot's process or apart from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.imaging.decoder import Decoder
from bot.jobs.mode import Modes
from bot.store import History
from bot.store.room import Room
from bot.telegram.turns import Turns
from inference.blobs import BlobStore
from inference.queue.jobs import Trouble, Verdict
from inference.queue.ledger import Ledger
from inference.requests import Event, ModelCard


class Queue(Protocol):
    """What the door wants of the queue: `inference.queue.dispatcher.Dispatcher`, or what stands for one that runs in
    another program."""

    @property
    def card(self) -> ModelCard | None: ...

    @property
    def slots(self) -> int: ...

    @property
    def trouble(self) -> Trouble | None: ...

    def listen(self, callback: Callable[[int, Event], None]) -> None: ...

    def wake(self) -> None: ...

    async def cancel(self, job_id: int) -> Verdict: ...


@dataclass(frozen=True)
class Means:
    """`folder` is where files lie on their way. `look_seconds` is how often the ledger is asked for the end of a job
    that somebody waits for, should nobody tell of it."""

    queue: Queue
    ledger: Ledger
    history: History
    blobs: BlobStore
    decoder: Decoder
    looks: Turns
    room: Room
    modes: Modes[Any]
    folder: Path
    look_seconds: float = 5.0
