"""Where jobs go: beside the bot, or to a Redis server whose address may hold a password.

No client library is needed to read an address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from inference.requests import Contract

LOCAL = "local://"
MAX_ADDRESS_BYTES = 4096
_ADVICE = (
    "use local:// (the worker runs beside the bot), redis://host:6379, rediss://host:6380 or unix:///run/redis.sock"
)


def checked_queue_url(url: str) -> str:
    """The address as it is. Raises ValueError, which says what an address looks like and shows nothing of this one."""
    if url == LOCAL:
        return url
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else parts.hostname
        _ = parts.port if parts.scheme != "unix" else None
    except ValueError:
        raise ValueError(_ADVICE) from None
    if parts.scheme not in ("redis", "rediss", "unix") or not place or place == "/":
        raise ValueError(_ADVICE)
    return url


def shown_queue_url(url: str) -> str:
    """The address without a user, a password or options: what may be printed."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def has_password(url: str) -> bool:
    """Whether an address would give a secret away; one that is none does not."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return "@" in parts.netloc or "password" in parts.query.lower()


def queue_url_in(file: Path) -> str:
    """The address that a file holds in its only line. Raises ValueError, also for a file that cannot be read."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_ADDRESS_BYTES + 1)
        lines = content.decode().split()
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is not text"
        raise ValueError(f"{file} cannot be read: {why}") from None
    if len(lines) != 1 or len(content) > MAX_ADDRESS_BYTES:
        raise ValueError(f"{file} should hold one address and nothing else")
    return checked_queue_url(lines[0])


class QueueSettings(Contract):
    """How an owner names the queue, for the bot and for a worker far from it: as it is, or by a file that holds it."""

    queue_url: Annotated[str, Field(repr=False)] = LOCAL
    queue_url_file: Path | None = None

    @field_validator("queue_url")
    @classmethod
    def _known(cls, url: str) -> str:
        return checked_queue_url(url)

    @field_validator("queue_url_file")
    @classmethod
    def _readable(cls, file: Path | None) -> Path | None:
        if file is not None:
            queue_url_in(file)
        return file

    @property
    def queue_address(self) -> str:
        """Where the queue is: what the file says, where one is named. Raises ValueError if that has changed for the
        worse."""
        return self.queue_url if self.queue_url_file is None else queue_url_in(self.queue_url_file)
