"""Names on the server, and the bounds of what is read from there."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Mapping

WORKERS = "studio:workers"
UP = "studio:up"
JOBS = "studio:jobs"
MARKER = "studio:marker"

PRESENCE_SECONDS = 15.0  # of silence until a worker is gone
BEGINNING = "0-0"
INBOX_MS = 3_600_000
MOST_ORDERS = 1000  # in an inbox, about
MOST_REPORTS = 10_000  # in the stream of reports, about
MOST_WORKERS = 256
MAX_OFFER_BYTES = 2**20

_LIFE = re.compile(r"[\w.-]{1,64}:\d{1,10}:[0-9a-f]{8}", re.ASCII)


def offer_of(life: str) -> str:
    return f"studio:worker:{life}"


def word_of(token: str) -> str:
    """Where a worker leaves its word on a probe."""
    return f"studio:probe:{token}"


def inbox_of(life: str) -> str:
    return f"studio:in:{life}"


def host_name() -> str:
    """This machine's name, as far as it fits into that of a life."""
    return re.sub(r"[^\w.-]", "-", socket.gethostname(), flags=re.ASCII)[:64] or "nameless"


def new_life(pid: int) -> str:
    """A name for one run of a worker that no other run has."""
    return f"{host_name()}:{pid}:{secrets.token_hex(4)}"


def life_in(value: object) -> str | None:
    """The name of a life as the server gives it; None for what is none."""
    if not isinstance(value, bytes) or len(value) > 100:
        return None
    name = value.decode("ascii", "replace")
    return name if _LIFE.fullmatch(name) else None


def line_in(fields: Mapping[bytes, bytes], longest: int) -> bytes | None:
    """The message of an entry; None where there is none, or one too long to be ours."""
    line = fields.get(b"line")
    return line if isinstance(line, bytes) and len(line) <= longest else None
