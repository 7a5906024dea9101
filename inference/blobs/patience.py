"""A store that may be out of reach for a while, for whoever would have to draw again what cannot be stored."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from inference.blobs import BlobMissing, BlobStore, Kept, StoreAway, Stored

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REDIS = ("redis://", "rediss://", "unix://")
Result = TypeVar("Result")
Waits = Callable[[float, str], None]  # told before each pause: how many seconds, and why


class Store(Protocol):
    """What an engine needs of a store: `BlobStore`, or whatever carries the bytes elsewhere."""

    def prove(self) -> None: ...

    def get(self, digest: str) -> bytes: ...

    def keep(self, write: Callable[[BinaryIO], object]) -> Kept: ...

    def take(self, kept: Kept) -> Stored: ...


def open_store(url: str, scratch: Path | None = None) -> Store:
    """The store of an engine by its URL: a folder or whatever fsspec opens, or the queue's Redis server, from where the
    bot takes pictures. Raises ValueError and LibraryMissing."""
    if not url.startswith(_REDIS):
        return BlobStore(url, scratch)
    from inference.blobs.relay import RelayStore  # its library is an extra

    return RelayStore(url, scratch or BlobStore.SCRATCH)


class PatientStore:
    """Tries again what fails, for `seconds` at most; then raises what the last try raised.

    A picture lies on this machine's disk meanwhile and is written once. A full disk of ours is told at once.
    """

    def __init__(self, store: Store, waits: Waits, *, seconds: float = PATIENCE_SECONDS) -> None:
        self._store, self._waits, self._seconds = store, waits, seconds

    def prove(self) -> None:
        """Is not patient: it says at the start what is wrong."""
        self._store.prove()

    def get(self, digest: str) -> bytes:
        """The stored bytes. Raises BlobMissing at once, and StoreAway."""
        try:
            return self._again(lambda: self._store.get(digest), self._passes, "what a picture is made of")
        except BlobMissing:
            raise
        except Exception as error:
            raise StoreAway(f"{type(error).__name__}: {error}") from error

    def write(self, write: Callable[[BinaryIO], object]) -> Stored:
        """Stores what `write(file)` writes."""
        kept = self._again(lambda: self._store.keep(write), self._has_room, "a picture")
        try:
            return self._again(lambda: self._store.take(kept), self._passes, "a picture")
        finally:
            kept.path.unlink(missing_ok=True)

    def _again(self, work: Callable[[], Result], may_pass: Callable[[Exception], bool], what: str) -> Result:
        deadline, pause = time.monotonic() + self._seconds, FIRST_PAUSE
        while True:
            try:
                return work()
            except Exception as error:  # whatever the driver of somebody's store may raise
                if not may_pass(error) or time.monotonic() + pause > deadline:
                    raise
                log.warning("the store does not take or give %s, trying again: %s", what, type(error).__name__)
                self._waits(pause, f"the store is out of reach ({type(error).__name__})")
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    @staticmethod
    def _passes(error: Exception) -> bool:
        return not isinstance(error, BlobMissing)

    @staticmethod
    def _has_room(error: Exception) -> bool:
        return not (isinstance(error, OSError) and error.errno in _FULL)
