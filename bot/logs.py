"""Logging to stderr in which no secret appears, wherever in a message, an argument or a traceback it may hide."""

from __future__ import annotations

import logging
import re
import sys
from types import TracebackType

from bot.storms import CalmHandler

_SECRETS = (
    (re.compile(r"(?<!\d)\d{3,20}(?::|%3A)[A-Za-z0-9_-]{30,64}", re.IGNORECASE), "<token>"),
    (re.compile(r"(?<=://)([^:/@\s]+):[^@/\s]+@"), r"\1:<password>@"),
)


def redact(text: str) -> str:
    """The text without bot tokens and passwords in addresses."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Works on the finished line, traceback included, so nothing gets past it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


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
