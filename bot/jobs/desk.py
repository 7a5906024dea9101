"""Everything that a wish about a picture needs at hand, so that handlers pass one thing on.

Whatever begins with a picture has the shape `async begin(desk, origin, person, given, words)`: `given` is the picture
(`bot.store.Given`), `words` what the person said to it, parameters included. It answers in the chat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiogram import Bot

from bot.imaging.decoder import Decoder
from bot.store import History
from bot.store.room import Room
from bot.telegram.fetching import Files
from bot.telegram.turns import Turns
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger

if TYPE_CHECKING:
    from bot.jobs.delivery import Deliveries


@dataclass(frozen=True)
class Desk:
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
