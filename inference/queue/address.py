"""Where jobs go: beside the bot, or to a Redis server whose address may hold a password.

No client library is needed to read an address.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from inference.queue.secret_files import SECRET
from inference.requests import Contract

LOCAL = "local://"
BY_QUEUE = "queue://"  # as a worker's BLOBS_URL: pictures go to and fro through the queue's server
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


class QueueSettings(Contract):
    """How an owner names the queue, for the bot and for a worker far from it."""

    queue_url: Annotated[str, Field(repr=False), SECRET] = LOCAL

    @field_validator("queue_url")
    @classmethod
    def _known(cls, url: str) -> str:
        return checked_queue_url(url)
