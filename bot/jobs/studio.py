"""What every handler is given: the studio, with all that its work needs at hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from aiogram import Bot

from bot.imaging.decoder import Decoder
from bot.jobs.delivery import Deliveries
from bot.jobs.mode import Modes
from bot.store import History
from bot.store.room import Room
from bot.telegram.fetching import Files
from bot.telegram.turns import Turns
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger


@dataclass(frozen=True)
class Studio:
    """`looks` are turns at what takes a processor: decoding pictures and comparing them."""

    bot: Bot
    queue: Dispatcher
    ledger: Ledger
    history: History
    blobs: BlobStore
    deliveries: Deliveries
    files: Files
    looks: Turns
    decoder: Decoder
    room: Room
    modes: Modes[Studio]
    _presses: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False)

    def one_press(self, key: str) -> asyncio.Lock:
        """Held while a press or an answer is looked into, so that two quick ones do not both find nothing done."""
        return self._presses.setdefault(key, asyncio.Lock())
