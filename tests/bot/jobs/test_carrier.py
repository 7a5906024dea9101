"""Workers that share no disk with the bot draw as others do: what they need goes there, what they draw comes here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from redis.asyncio import Redis

from bot.jobs import carrier
from bot.jobs.carrier import Carrier
from inference.blobs import BlobStore, encode_png, read_recipe
from inference.blobs.relay import Relay
from inference.queue.transport import Assignment
from inference.queue.transport.redis import delivery as bot_side
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.requests import Cancelled, Failed, Finished, FlashMix, FlashTextToImage, Picture, Recipe
from inference.requests.fields import WeighedSource
from tests.inference.queue.delivery_contract import Reader, assignment, reading
from tests.inference.queue.puppet import Puppet
from tests.redis_server import RedisServer
from tests.waiting import until

ROOT = Path(__file__).parents[3]
CONTENT = b"a picture"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.close()


@asynccontextmanager
async def carrying(server: RedisServer, blobs: BlobStore) -> AsyncIterator[tuple[Carrier, Reader]]:
    delivery = Carrier(RedisDelivery(server.url), Relay(server.url), blobs)
    await delivery.start()
    try:
        async with reading(delivery) as reader:
            yield delivery, reader
    finally:
        await delivery.close(0.0)


def test_a_worker_with_nothing_but_the_queue_draws_and_varies(server: RedisServer, tmp_path: Path) -> None:
    """A real worker with the embedded model; its folder and ours have nothing in common."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "QUEUE_URL": server.url,
        "BLOBS_URL": "queue://",
        "DATA_DIR": str(tmp_path / "far"),
        "DEVICE": "cpu",
    }
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "inference", "worker"], env=environment, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        asyncio.run(_draw_and_vary(server, tmp_path))
    finally:
        worker.terminate()
        assert worker.wait(60) == 0, (tmp_path / "log").read_text()
    assert not [path for path in (tmp_path / "far").rglob("*") if path.suffix in ("", ".part") and path.is_file()]


async def _draw_and_vary(server: RedisServer, folder: Path) -> None:
    blobs = BlobStore(str(folder / "near"))
    given = blobs.put(encode_png(Image.new("RGB", (64, 64), "red")))
    source = WeighedSource(blob=given, width=64, height=64)
    flash = FlashTextToImage(prompt="красный круг", seeds=(1, 2), width=256, height=256)
    vary = FlashMix(images=(source,), prompt="", seeds=(3,), width=256, height=256)
    async with carrying(server, blobs) as (delivery, reader):
        await until(lambda: _slots(delivery), lambda: (folder / "log").read_text())
        for job_id, request in enumerate((flash, vary), 1):
            await delivery.submit(Assignment(job_id=job_id, request=request))
        for job_id, count in ((1, 2), (2, 1)):
            outcome = await until(lambda job_id=job_id: reader.last_of(job_id), lambda: (folder / "log").read_text())
            assert isinstance(outcome, Finished), outcome
            assert len(outcome.pictures) == count
            for picture in outcome.pictures:
                assert read_recipe(blobs.get(picture.blob)) == picture.recipe
    client = Redis.from_url(server.url)
    assert not [key async for key in client.scan_iter("studio:res:*")], "what has arrived is not left there"
    await client.aclose()


async def _slots(delivery: Carrier) -> int:
    return (await delivery.capacity()).slots


def picture(digest: str, tile: int = 0) -> Picture:
    request = FlashTextToImage(prompt="a fox", seeds=(1, 2), width=64, height=64)
    return Picture(
        tile=tile, blob=digest, width=64, height=64, recipe=Recipe(request=request, tile=tile, code_version="1")
    )


@pytest.fixture
async def puppet(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Puppet]:
    monkeypatch.setattr(bot_side, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(carrier, "PAUSE_SECONDS", 0.01)
    client = Redis.from_url(server.url)
    await client.flushall()
    await client.set(keys.MARKER, "used")
    puppet = Puppet(client, 1)
    await puppet.beat(slots=8)
    yield puppet
    await client.aclose()


async def test_pictures_that_never_come_fail_the_job_for_another_try_and_those_in_our_store_are_not_looked_for(
    puppet: Puppet, server: RedisServer, tmp_path: Path
) -> None:
    blobs = BlobStore(str(tmp_path))
    here, nowhere = blobs.put(CONTENT), "0" * 64
    async with carrying(server, blobs) as (delivery, reader):
        ends: tuple[Finished | Cancelled, ...] = (
            Finished(pictures=(picture(here),)),
            Finished(pictures=(picture(here), picture(nowhere, 1))),
            Cancelled(pictures=(picture(here), picture(nowhere, 1))),
            Finished(texts=("a red fox",)),
        )
        await until(lambda: _slots(delivery))
        for job_id in range(len(ends)):
            await delivery.submit(assignment(job_id))
        for job_id, end in enumerate(ends):
            await puppet.report(job_id, end)
        await until(lambda: reader.last_of(len(ends) - 1))
        assert [reader.last_of(job_id) for job_id in (0, 3)] == [ends[0], ends[3]]
        failed, stopped = reader.last_of(1), reader.last_of(2)
        assert isinstance(failed, Failed) and failed.retryable and "BLOBS_URL" in failed.message
        assert isinstance(stopped, Cancelled) and [one.blob for one in stopped.pictures] == [here]
        await until(lambda: _nothing_held(delivery))


async def _nothing_held(delivery: Carrier) -> bool:
    return await delivery.known() == frozenset()


async def test_a_store_of_ours_that_is_away_is_waited_for_and_one_that_is_full_is_told(
    puppet: Puppet, server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, put, tries = BlobStore(str(tmp_path)), BlobStore.put, []

    def rough(store: BlobStore, content: bytes) -> str:
        tries.append(content)
        if len(tries) <= 2:
            raise ConnectionError("the bucket is away")
        if content == b"too much":
            raise OSError(28, "no space left")
        return put(store, content)

    monkeypatch.setattr(BlobStore, "put", rough)
    async with carrying(server, blobs) as (delivery, reader):
        await until(lambda: _slots(delivery))
        for job_id, content in enumerate((CONTENT, b"too much")):
            kept = BlobStore(str(tmp_path / "far")).keep(lambda file, content=content: file.write(content))
            with kept.path.open("rb") as file:
                await asyncio.to_thread(Relay(server.url).send, kept.digest, file)
            await delivery.submit(assignment(job_id))
            await puppet.report(job_id, Finished(pictures=(picture(kept.digest),)))
        await until(lambda: reader.last_of(1))
        assert isinstance(reader.last_of(0), Finished) and len(tries) == 4
        full = reader.last_of(1)
        assert isinstance(full, Failed) and full.code == "disk_full"
