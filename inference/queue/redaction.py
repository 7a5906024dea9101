"""What the log of any of our processes must not show: bot tokens, and passwords in addresses."""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(r"(?<!\d)\d{3,20}(?::|%3A)[A-Za-z0-9_-]{30,64}", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_USER = re.compile(r"://[^:/@]*:")
_IN_QUERY = re.compile(
    r"([?&][^=&\s]{0,40}(?:password|passwd|secret|token|key)[^=&\s]{0,40}=)[^&\s'\"]+", re.IGNORECASE
)


def redact(text: str) -> str:
    """The text without bot tokens and without passwords in addresses, be it before the host or in a query."""
    text = _TOKEN.sub("<token>", text)
    text = _IN_QUERY.sub(r"\1<password>", text)
    return _WORD.sub(_without_password, text) if "://" in text else text


def _without_password(word: re.Match[str]) -> str:
    """People write passwords into addresses as they are, slashes and more @ among them: up to the last @ it is one."""
    address = word[0]
    end = address.rfind("@")
    user = _USER.search(address, 0, end) if end > 0 else None
    return address if user is None else f"{address[: user.end()]}<password>{address[end:]}"


class RedactingFormatter(logging.Formatter):
    """Works on the finished line, traceback included, so nothing gets past it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def log_as(name: str, level: str) -> None:
    """Sends the log of a worker's process to stderr under this name, in which no secret appears."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(f"%(asctime)s %(levelname)s {name}: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
