"""What everybody needs who works on a job's way."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram import Bot

from bot.jobs.shown_modes import Modes
from bot.store import History
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger


@dataclass(frozen=True)
class Tools:
    """`modes` say what depends on what was asked for."""

    bot: Bot
    queue: Dispatcher
    ledger: Ledger
    history: History
    blobs: BlobStore
    modes: Modes
