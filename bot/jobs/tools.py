"""What everybody needs who works on a job's way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiogram import Bot

from bot.jobs.mode import Modes
from bot.store import History
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger


@dataclass(frozen=True)
class Tools:
    bot: Bot
    queue: Dispatcher
    ledger: Ledger
    history: History
    blobs: BlobStore
    modes: Modes[Any]
