"""The log of an HTTP server whose door strangers knock at."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


def log_of_http(server: str) -> logging.Logger:
    """The log for the library's own words about a server, in which what is no HTTP is a line and not an error of
    ours. `server` is the name of its module."""
    logger = logging.getLogger(f"{server}.http")
    if not logger.filters:
        logger.addFilter(_no_fuss)
    return logger


def _no_fuss(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        record.msg, record.args = "what came is no HTTP: %s", (str(error.message)[:200],)
    return True
