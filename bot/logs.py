"""The bot's log on stderr, in which no secret appears and what repeats itself does not drown the rest."""

from __future__ import annotations

import logging
import sys

from bot.storms import CalmHandler
from inference.queue.logs import Form, log_to


def set_up_logging(level: str, form: Form = "text") -> None:
    """Sends everything to stderr at this level, uncaught errors included, what repeats itself as one line a minute;
    replaces earlier handlers."""
    log_to(CalmHandler(sys.stderr), "bot", level, form, names=True)
    if level != "DEBUG":
        for chatty in ("aiogram.event", "aiohttp.access", "aiosqlite", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
