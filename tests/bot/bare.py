"""A studio of which only the books are there, for what needs no more."""

from __future__ import annotations

from typing import Any, cast

from aiogram import Bot
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.jobs.mode import Modes
from bot.jobs.studio import Studio
from bot.modes import MODES
from bot.store import History
from inference.queue.ledger import Ledger


class Books(History):
    """The history, and the database that the ledger shares with it."""

    def __init__(self, database: AsyncEngine) -> None:
        super().__init__(database)
        self.database = database


def bare_studio(bot: Bot, books: Books) -> Studio:
    missing = cast("Any", None)
    return Studio(
        bot=bot, queue=missing, ledger=Ledger(books.database), history=books, blobs=missing, deliveries=missing,
        files=missing, looks=missing, decoder=missing, room=missing, modes=Modes(MODES),
    )  # fmt: skip
