"""Pictures on their way through the queue's server: whole or not at all, never more than there is room for."""

from __future__ import annotations

import errno
import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import RedisError

from inference.blobs import BlobMissing, relay
from inference.blobs.patience import PatientStore
from inference.blobs.relay import PIECE, SIZES, WANTED, Relay, RelayStore
from tests.chaos.wire_cutter import WireCutter
from tests.redis_server import RedisServer
from tests.waiting import blocking_until

PICTURE = bytes(range(256)) * (3 * PIECE // 256) + b"end"  # four pieces
DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
def server(redis_process: RedisServer) -> Iterator[Any]:
    client = redis.Redis.from_url(redis_process.url)
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.close()


def test_a_picture_goes_to_and_fro_in_pieces_and_leaves_nothing(
    redis_process: RedisServer, server: Any, tmp_path: Path
) -> None:
    at_worker, at_bot = RelayStore(redis_process.url, tmp_path), Relay(redis_process.url)
    kept = at_worker.keep(lambda file: file.write(PICTURE))
    assert at_worker.take(kept).digest == DIGEST
    assert at_bot.fetch(DIGEST) == PICTURE
    assert 0 < server.ttl(f"studio:res:{DIGEST}") <= 6 * 3600
    at_bot.forget([DIGEST])
    assert server.keys("*") == []
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(at_worker.get, DIGEST)
        assert at_bot.asked(60) == DIGEST
        at_bot.send(DIGEST, io.BytesIO(PICTURE))
        assert reading.result(60) == PICTURE
        blocking_until(lambda: not server.exists(f"studio:res:{DIGEST}", SIZES), "what has arrived is forgotten")


def test_what_the_bot_has_not_is_missing_at_once_and_a_bot_that_is_away_is_not(
    redis_process: RedisServer, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_worker, at_bot = RelayStore(redis_process.url, tmp_path), Relay(redis_process.url)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(at_worker.get, DIGEST)
        digest = at_bot.asked(60)
        assert digest == DIGEST
        at_bot.lacks(digest)
        with pytest.raises(BlobMissing):
            reading.result(60)
    server.flushall()
    monkeypatch.setattr(relay, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        at_worker.get(DIGEST)


def test_other_bytes_under_a_digest_and_wishes_that_are_none_are_passed_over(
    redis_process: RedisServer, server: Any
) -> None:
    at_bot = Relay(redis_process.url)
    server.set(f"studio:res:{DIGEST}", PICTURE[:-1])
    assert at_bot.fetch(DIGEST) is None
    for wish in (b"../../etc/passwd", b"\xff" * 64, DIGEST.encode()):
        server.rpush(WANTED, wish)
        assert at_bot.asked(1) is None, "the last lies there already"


def test_a_full_server_is_told_as_a_full_disk_and_waited_for(
    redis_process: RedisServer, server: Any, tmp_path: Path
) -> None:
    at_worker, waited = RelayStore(redis_process.url, tmp_path), threading.Event()
    server.config_set("maxmemory", 1)
    at_worker.prove()
    kept = at_worker.keep(lambda file: file.write(PICTURE))
    with pytest.raises(OSError, match="maxmemory") as full:
        at_worker.take(kept)
    assert full.value.errno == errno.ENOSPC
    assert server.keys("*") == []
    with ThreadPoolExecutor(1) as pool:
        patient = PatientStore(at_worker, lambda _pause, _why: waited.set())
        storing = pool.submit(patient.write, lambda file: file.write(PICTURE))
        assert waited.wait(60)
        server.config_set("maxmemory", 0)
        assert storing.result(60).digest == DIGEST
    assert Relay(redis_process.url).fetch(DIGEST) == PICTURE


def test_pictures_take_no_more_of_the_server_than_their_share_and_what_has_expired_is_not_counted(
    redis_process: RedisServer, server: Any
) -> None:
    narrow = Relay(redis_process.url, most_bytes=2 * len(PICTURE) - 1)
    others = [PICTURE + bytes([number]) for number in range(2)]
    digests = [hashlib.sha256(other).hexdigest() for other in others]
    narrow.send(DIGEST, io.BytesIO(PICTURE))
    with pytest.raises(OSError, match="too many"):
        narrow.send(digests[0], io.BytesIO(others[0]))
    server.delete(f"studio:res:{DIGEST}")  # as it expires
    narrow.send(digests[1], io.BytesIO(others[1]))
    assert list(server.hgetall(SIZES)) == [digests[1].encode()]


def test_a_line_that_breaks_leaves_nothing_half_and_the_next_try_is_whole(
    redis_process: RedisServer, server: Any, tmp_path: Path
) -> None:
    wire = WireCutter(redis_process.socket)
    at_worker = RelayStore(f"redis://127.0.0.1:{wire.port}", tmp_path)
    kept = at_worker.keep(lambda file: file.write(PICTURE))
    at_worker.prove()
    wire.cut()
    with pytest.raises(RedisError):
        at_worker.take(kept)
    assert server.keys("studio:res:*") == []
    wire.mend()
    at_worker.take(kept)
    assert Relay(redis_process.url).fetch(DIGEST) == PICTURE
    wire.close()


def test_a_server_that_forgets_half_a_picture_is_found_out(redis_process: RedisServer, server: Any) -> None:
    class Forgetful(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 2 * PIECE:
                server.flushall()
            return super().read(size)

    with pytest.raises(ConnectionError):
        Relay(redis_process.url).send(DIGEST, Forgetful(PICTURE))
    assert server.keys("*") == []
