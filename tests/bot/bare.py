"""A studio of which only the books are there, for what needs no more."""

from __future__ import annotations

from typing import Any, cast

from aiogram import Bot

from bot.jobs.mode import Modes
from bot.jobs.studio import Studio
from bot.modes import MODES
from bot.store import History
from inference.queue.ledger import Ledger


def bare_studio(bot: Bot, history: History) -> Studio:
    missing = cast("Any", None)
    return Studio(
        bot=bot, queue=missing, ledger=Ledger(history._database), history=history, blobs=missing, deliveries=missing,
        files=missing, looks=missing, decoder=missing, room=missing, modes=Modes(MODES),
    )  # fmt: skip
