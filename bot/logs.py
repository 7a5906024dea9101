"""Logging to stderr in which no secret appears, wherever in a message, an argument or a traceback it may hide."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from bot.storms import CalmHandler
from inference.queue.redaction import RedactingFormatter


def set_up_logging(level: str) -> None:
    """Sends everything to stderr at this level, uncaught errors included, what repeats itself as one line a minute;
    replaces earlier handlers."""
    handler = CalmHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    if level != "DEBUG":
        for chatty in ("aiogram.event", "aiohttp.access", "aiosqlite", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def _log_uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("bot").critical("stopped by an error", exc_info=(kind, error, where))
