"""Pictures in an object store: what one program stores the others see, and a store that is away is waited for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.store.sweep import _delete_unused
from inference.blobs import BlobMissing, BlobStore
from inference.blobs.patience import PatientStore, open_store
from inference.queue.transport import Assignment
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.requests import Finished, FlashTextToImage
from tests.inference.queue.delivery_contract import reading
from tests.redis_server import RedisServer
from tests.s3.conftest import S3Server
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CONTENT = b"a picture"
STORE = "import sys; from inference.blobs import BlobStore; print(BlobStore(sys.argv[1]).put(sys.argv[2].encode()))"


def elsewhere(server: S3Server, content: str) -> str:
    """Stores something in another program; returns its digest."""
    command = [sys.executable, "-c", STORE, server.url, content]
    environment = {**os.environ, **server.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_it_stores_as_a_folder_does(server: S3Server, tmp_path: Path) -> None:
    store = BlobStore(server.url, tmp_path / "scratch")
    store.prove()
    digest = store.put(CONTENT)
    assert store.put(CONTENT) == digest and not store.write(lambda file: file.write(CONTENT)).fresh
    assert (store.get(digest), store.size(digest), store.exists(digest)) == (CONTENT, len(CONTENT), True)
    assert store.path(digest) is None
    assert list((tmp_path / "scratch").iterdir()) == []
    large = os.urandom(12_000_000)  # in several parts
    assert store.get(store.put(large)) == large
    stored_at = store.stored_at(digest)
    assert stored_at is not None and abs(stored_at - time.time()) < 3600
    store.delete(digest)
    store.delete(digest)
    assert (store.exists(digest), store.size(digest), store.stored_at(digest)) == (False, 0, None)
    with pytest.raises(BlobMissing):
        store.get(digest)


def test_what_another_program_stores_is_seen_also_where_one_has_looked_before(server: S3Server) -> None:
    ours = BlobStore(server.url)
    first = ours.put(CONTENT)
    assert list(ours.stored_before(float("inf"))) == [first]
    others = {elsewhere(server, f"picture {number}") for number in range(3)}
    assert all(ours.exists(digest) and ours.size(digest) for digest in others)
    assert {*ours.stored_before(float("inf"))} == {first, *others}
    assert list(ours.stored_before(time.time() - 3600)) == []
    assert _delete_unused(ours, others, float("inf")) == 1
    assert {*ours.stored_before(float("inf"))} == others


def test_a_store_that_dies_while_a_picture_is_drawn_gets_it_when_it_is_back(server: S3Server, tmp_path: Path) -> None:
    waited, written = threading.Event(), []
    patient = PatientStore(open_store(server.url, tmp_path / "scratch"), lambda pause, why: waited.set())
    server.kill()
    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(patient.write, lambda file: written.append(file.write(CONTENT)))
        assert waited.wait(60)
        server.start()
        digest = storing.result(120).digest
    assert len(written) == 1, "it lies in the scratch folder meanwhile"
    assert BlobStore(server.url).get(digest) == CONTENT
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_store_that_stands_still_is_given_up_and_tried_again(server: S3Server, tmp_path: Path) -> None:
    store = open_store(server.url, tmp_path)
    kept = store.keep(lambda file: file.write(CONTENT))
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017 - of whatever library
        store.take(kept)
    assert time.monotonic() - began < 60, "within the patience of a worker"
    server.process.send_signal(signal.SIGCONT)
    store.take(kept)


def test_without_a_bucket_or_a_key_a_start_is_refused(server: S3Server) -> None:
    with pytest.raises(OSError):
        BlobStore("s3://another-bucket/blobs").prove()


def test_a_worker_far_away_stores_there_what_it_draws(server: S3Server, tmp_path: Path) -> None:
    """A real worker with the embedded model; its folder and ours have nothing in common but the bucket."""
    queue = RedisServer()
    queue.start()
    environment = {
        **os.environ,
        **server.environment,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}",
        "OMP_NUM_THREADS": "1",
        "QUEUE_URL": queue.url,
        "BLOBS_URL": server.url,
        "DATA_DIR": str(tmp_path / "far"),
        "DEVICE": "cpu",
    }
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "inference", "worker"], env=environment, cwd=tmp_path, stdout=log, stderr=log
        )

    async def draw() -> None:
        request = FlashTextToImage(prompt="a red circle", seeds=(1,), width=256, height=256)
        delivery = RedisDelivery(queue.url)
        await delivery.start()

        async def slots() -> int:
            return (await delivery.capacity()).slots

        async with reading(delivery) as reader:
            await until(slots, lambda: (tmp_path / "log").read_text())
            await delivery.submit(Assignment(job_id=1, request=request))
            finished = await until(lambda: reader.last_of(1), lambda: (tmp_path / "log").read_text())
        await delivery.close(0.0)
        assert isinstance(finished, Finished), finished
        store = BlobStore(server.url)
        assert [store.exists(picture.blob) for picture in finished.pictures] == [True]

    try:
        asyncio.run(draw())
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
        queue.close()
