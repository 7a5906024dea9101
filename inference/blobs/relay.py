"""Bytes on their way between a bot and workers that share no disk, over the Redis server of their queue.

    studio:res:<digest>      string  whole bytes, until whoever they are for has them, or KEPT_SECONDS
    studio:part:<random>     string  bytes that are being sent, for PART_SECONDS
    studio:sizes             hash    digest -> bytes of what lies there: all together stay within MOST_BYTES
    studio:wanted            list    digests of what workers wait for, which the bot has
    studio:lacking:<digest>  string  the bot has no such bytes

A worker sends its pictures and asks for what they are made of; the bot stores the ones and answers the others. What is
on its way can be lost with the server, as all that it holds: it is sent and asked for again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import redis
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from inference.blobs import BlobMissing, Kept, Stored, scratch_file
from inference.blobs.pieces import length

log = logging.getLogger(__name__)

WANTED, SIZES = "studio:wanted", "studio:sizes"
MOST_BYTES = 256 * 2**20  # of everything that lies on the server, about: two may look at once
MOST_BYTES_EACH = 128 * 2**20  # a picture of 64 megapixels, packed
PIECE = 2**18  # bytes that a slow line carries within ANSWER_SECONDS
KEPT_SECONDS = 6 * 3600
LENT_SECONDS = 600  # what a worker has asked for, and may never come to fetch
PART_SECONDS = 120
LACKING_SECONDS = 60
MOST_WANTED = 1000
ANSWER_SECONDS = 5.0
ASK_AGAIN_SECONDS = 2.0
PATIENCE_SECONDS = 10.0  # for the bot to send what is asked for, until that counts as a failure
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2
_DIGEST = re.compile(rb"[0-9a-f]{64}")


class Relay:
    """The server as a place to leave bytes at, for either side. Methods block; they raise RedisError where it is out of
    reach, and OSError with ENOSPC where it has no room, which passes. Raises ValueError for an address that the library
    does not understand."""

    def __init__(self, url: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._server: Any = redis.Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            decode_responses=False,
        )

    def close(self) -> None:
        self._server.close()

    def prove(self) -> None:
        """Leaves a little and takes it away again, also where there is no room just now."""
        with contextlib.suppress(OSError), _no_room_is_told():
            self._server.set(f"studio:part:{secrets.token_hex(8)}", b"", ex=1)

    def send(self, digest: str, file: BinaryIO, *, seconds: int = KEPT_SECONDS) -> None:
        """Leaves the bytes of an open file there under their digest: all of them at once, or nothing."""
        size = length(file)
        if size > MOST_BYTES_EACH:
            raise OSError(errno.EFBIG, f"a picture of {size} bytes is too large for the queue's server")
        self._need(size)
        part = f"studio:part:{secrets.token_hex(8)}"
        try:
            with _no_room_is_told():
                self._send_pieces(part, file, size)
                with self._server.pipeline(transaction=True) as pipe:
                    pipe.rename(part, _place(digest))
                    pipe.expire(_place(digest), seconds)
                    pipe.hset(SIZES, digest, size)
                    pipe.execute()
        except BaseException:
            with contextlib.suppress(RedisError, OSError):
                self._server.delete(part)
            raise

    def fetch(self, digest: str) -> bytes | None:
        """The bytes that lie there; None where there are none, or others."""
        place, hashing, pieces = _place(digest), hashlib.sha256(), []
        size = int(self._server.strlen(place))
        if not 0 < size <= MOST_BYTES_EACH:
            return None
        for start in range(0, size, PIECE):
            piece = self._server.getrange(place, start, start + PIECE - 1)
            hashing.update(piece)
            pieces.append(piece)
        return b"".join(pieces) if hashing.hexdigest() == digest else None

    def forget(self, digests: Iterable[str]) -> None:
        """What lies there under these has arrived."""
        names = list(digests)
        with self._server.pipeline(transaction=True) as pipe:
            pipe.delete(*map(_place, names))
            pipe.hdel(SIZES, *names)
            pipe.execute()

    def ask(self, digest: str) -> None:
        with _no_room_is_told(), self._server.pipeline(transaction=True) as pipe:
            pipe.rpush(WANTED, digest)
            pipe.ltrim(WANTED, -MOST_WANTED, -1)
            pipe.execute()

    def asked(self, seconds: float) -> str | None:
        """The next digest that a worker waits for and that does not lie there; None where none is asked for so long."""
        answer = self._server.blpop([WANTED], timeout=seconds)
        if answer is None or not _DIGEST.fullmatch(answer[1]):
            return None
        digest = answer[1].decode()
        return None if self._server.exists(_place(digest)) else digest

    def lacks(self, digest: str) -> None:
        """Tells whoever waits for these bytes that the bot has none."""
        with _no_room_is_told():
            self._server.set(_lacking(digest), b"", ex=LACKING_SECONDS)

    def is_lacking(self, digest: str) -> bool:
        return bool(self._server.exists(_lacking(digest)))

    def _send_pieces(self, part: str, file: BinaryIO, size: int) -> None:
        file.seek(0)
        while piece := file.read(PIECE):
            with self._server.pipeline(transaction=True) as pipe:
                pipe.append(part, piece)
                pipe.expire(part, PART_SECONDS)
                pipe.execute()
        if self._server.strlen(part) != size:
            raise ConnectionError("the queue's server has lost a part of a picture")

    def _need(self, size: int) -> None:
        """Raises where so much more would be too much, once what has been forgotten is no longer counted."""
        if self._taken() + size <= self._most_bytes:
            return
        names = [name.decode() for name in self._server.hkeys(SIZES)]
        gone = [name for name in names if not self._server.exists(_place(name))]
        if gone:
            self._server.hdel(SIZES, *gone)
        if self._taken() + size > self._most_bytes:
            raise OSError(errno.ENOSPC, "too many pictures wait on the queue's server")

    def _taken(self) -> int:
        return sum(int(size) for size in self._server.hvals(SIZES))


class RelayStore:
    """A store for the engine of a worker without a shared disk: what it writes goes to the bot, what it reads comes
    from there. What it sends lies in `scratch` until then."""

    def __init__(self, url: str, scratch: Path) -> None:
        self._relay = Relay(url)
        self._scratch = scratch

    def prove(self) -> None:
        """Raises RedisError where the server is out of reach or refuses us."""
        self._relay.prove()

    def keep(self, write: Callable[[BinaryIO], object]) -> Kept:
        """Writes what `write(file)` writes to this machine's disk."""
        return scratch_file(self._scratch, write)

    def take(self, kept: Kept) -> Stored:
        with kept.path.open("rb") as file:
            self._relay.send(kept.digest, file)
        return Stored(kept.digest, True)

    def get(self, digest: str) -> bytes:
        """The bytes, from the bot. Raises BlobMissing where that has none, TimeoutError where it does not answer."""
        deadline, pause, asked_at = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE, float("-inf")
        while (content := self._relay.fetch(digest)) is None:
            if self._relay.is_lacking(digest):
                raise BlobMissing(digest)
            now = time.monotonic()
            if now > deadline:
                raise TimeoutError(f"the bot does not send {digest}")
            if now - asked_at > ASK_AGAIN_SECONDS:
                self._relay.ask(digest)
                asked_at = now
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)
        self._relay.forget([digest])
        return content


@contextlib.contextmanager
def _no_room_is_told() -> Iterator[None]:
    """A server that may hold no more (`maxmemory` with `noeviction`) is a disk that is full."""
    try:
        yield
    except OutOfMemoryError as full:
        raise OSError(errno.ENOSPC, "the queue's server is full (maxmemory)") from full


def _place(digest: str) -> str:
    return f"studio:res:{digest}"


def _lacking(digest: str) -> str:
    return f"studio:lacking:{digest}"
