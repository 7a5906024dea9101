"""Whether bot and workers mean the same place by their store of pictures: each reads what the other has left there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bot.troubles import reason_of
from inference.blobs import BlobMissing, BlobStore
from inference.blobs.probing import answer_to, digest_of, new_question
from inference.queue.findings import Finding

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from inference.queue.transport.redis.offer import Offer

SUBJECT = "pictures"
STORE_SECONDS = 20.0
ELSEWHERE = "BLOBS_URL does not mean the same place on both sides"

Result = TypeVar("Result")


class StoreFails(RuntimeError):
    """What is wrong with the bot's side, in one line."""


class Probe:
    """A question in the bot's store, under the name `digest`."""

    def __init__(self, blobs: BlobStore, content: bytes) -> None:
        self._blobs = blobs
        self._answer = answer_to(content)
        self.digest = digest_of(content)

    async def answered(self, who: str) -> Finding:
        """Whether somebody who says so has left the answer there."""
        try:
            found = await _in_time(lambda: self._blobs.get(digest_of(self._answer)))
        except BlobMissing:
            return Finding(False, SUBJECT, f"the bot does not see what {who} has stored: {ELSEWHERE}")
        except StoreFails as why:
            return Finding(False, SUBJECT, f"the bot cannot read what {who} has stored: {why}")
        if found != self._answer:
            return Finding(False, SUBJECT, f"what {who} has stored is not what the bot reads")
        return Finding(True, SUBJECT, f"bot and {who} read what the other one stores")

    async def tidy(self) -> None:
        for digest in (self.digest, digest_of(self._answer)):
            await _in_time(partial(self._blobs.delete, digest))


@asynccontextmanager
async def probing(url: str) -> AsyncIterator[Probe]:
    """Inside, a question lies in the store; afterwards neither that nor its answer does. Raises StoreFails."""
    content = new_question()
    blobs = await _in_time(lambda: BlobStore(url))
    probe = Probe(blobs, content)
    try:
        await _in_time(lambda: blobs.put(content))
        if await _in_time(lambda: blobs.get(probe.digest)) != content:
            raise StoreFails("what was just stored reads otherwise")
        yield probe
    except BlobMissing as lost:
        raise StoreFails("what was just stored is not there") from lost
    finally:
        await probe.tidy()


def not_there_yet(url: str) -> bool:
    """Whether the store is a folder that the first start makes."""
    return "://" not in url and not Path(url).exists()


async def probe_workers(url: str, queue: str, offers: Mapping[str, Offer]) -> AsyncIterator[Finding]:
    """One finding per worker that has come to the queue's server. Raises StoreFails."""
    from inference.queue.transport.redis.server import open_server

    server = open_server(queue)
    try:
        for finding in await asyncio.gather(*(_of_worker(url, server, life, offer) for life, offer in offers.items())):
            yield finding
    finally:
        await server.aclose()


async def _of_worker(url: str, server: Redis, life: str, offer: Offer) -> Finding:
    from inference.queue.transport.redis.probing import probe
    from inference.queue.transport.redis.server import FAILURES

    if not offer.probes:
        why = "its pictures go through the queue, or it is of an older version"
        return Finding(None, SUBJECT, f"{life} is not asked: {why}")
    async with probing(url) as asked:
        try:
            trouble = await probe(server, life, asked.digest)
        except FAILURES as error:
            return Finding(False, SUBJECT, f"{life} cannot be asked: {reason_of(error)}")
        if trouble is None:
            return await asked.answered(life)
    if trouble.startswith(BlobMissing.__name__):
        trouble = f"it does not see what the bot has stored: {ELSEWHERE}"
    return Finding(False, SUBJECT, f"{life}: {trouble}")


async def _in_time(work: Callable[[], Result]) -> Result:
    """What a thread returns. Raises BlobMissing and StoreFails."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await asyncio.to_thread(work)
    except BlobMissing:
        raise
    except TimeoutError:
        raise StoreFails(f"no answer in {STORE_SECONDS:.0f} s") from None
    except Exception as error:  # whatever the driver of somebody's store may raise
        raise StoreFails(reason_of(error)) from error
