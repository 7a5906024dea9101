"""Which errors mean that the studio itself is out of order, and what to call that."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Literal, get_args

from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)

from inference.queue.jobs import Trouble
from inference.queue.wire import reason

Cause = Literal["engine", "queue", "disk", "database"]  # what people read of while they wait
OwnersCause = Literal[
    Cause, "blobs", "slow", "workers", "version", "dead", "flood", "standby", "update"
]  # what owners are told of
OWNERS_CAUSES: tuple[OwnersCause, ...] = get_args(OwnersCause)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_NO_ROOM_WORDS = ("disk is full", "readonly database", "disk i/o error", "no space left", "could not extend file")
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)


def cause_of(error: BaseException) -> Cause | None:
    """What of the studio is out of order if this was raised; None for an error of any other kind."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in _NO_ROOM:
            return "disk"
        if isinstance(one, DatabaseError | InterfaceError) and not isinstance(one, _OUR_MISTAKES):
            return "disk" if any(words in str(one.orig).lower() for words in _NO_ROOM_WORDS) else "database"
        if isinstance(one, ConnectionError | socket.gaierror) and _met_in("sqlalchemy", one):
            return "database"
    return None


def cause_of_trouble(trouble: Trouble) -> Cause:
    """The same for what keeps the queue from going on."""
    if trouble.cause in ("engine", "queue"):
        return trouble.cause
    if trouble.cause == "store":
        return "disk"
    return (cause_of(trouble.error) if trouble.error is not None else None) or "database"


def reason_of(error: BaseException) -> str:
    """What to tell the owner of it: the words of the driver rather than those of the layers around it."""
    return reason(next((one.orig for one in _chain(error) if isinstance(one, DBAPIError) and one.orig), error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _met_in(package: str, error: BaseException) -> bool:
    """Whether an error came through a package: drivers raise what the network does as it is."""
    frame = error.__traceback__
    while frame is not None:
        if str(frame.tb_frame.f_globals.get("__name__", "")).split(".")[0] == package:
            return True
        frame = frame.tb_next
    return False
