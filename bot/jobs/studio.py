"""What every handler is given: the studio, with all that its work needs at hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.imaging.decoder import Decoder
from bot.jobs.follow import Follower
from bot.jobs.mode import Modes
from bot.jobs.tools import Tools
from bot.store.room import Room
from bot.telegram.fetching import Files
from bot.telegram.turns import Turns


@dataclass(frozen=True)
class Studio(Tools):
    """`looks` are turns at what takes a processor: decoding pictures and comparing them. `api_address` is where
    programs find the door, as people are told; None where they are not let in."""

    deliveries: Follower
    files: Files
    looks: Turns
    decoder: Decoder
    room: Room
    modes: Modes[Studio]
    api_address: str | None = None
    _presses: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False)

    def one_press(self, key: str) -> asyncio.Lock:
        """Held while a press or an answer is looked into, so that two quick ones do not both find nothing done."""
        return self._presses.setdefault(key, asyncio.Lock())
