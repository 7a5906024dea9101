"""One look at who has come to a queue, for whoever does not stay."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from inference.queue.transport.redis import keys
from inference.queue.transport.redis.offer import Offer
from inference.queue.transport.redis.server import FAILURES, Reach, open_server
from inference.queue.transport.redis.workers import Workers


class QueueUnusable(RuntimeError):
    """Why a server cannot be used, in one line without a secret."""


async def glance(url: str) -> tuple[dict[str, Offer], dict[str, str]]:
    """What each worker offers, by its life, and why others are left out. Raises QueueUnusable."""
    try:
        server = open_server(url)
    except ValueError as unknown:
        raise QueueUnusable(str(unknown)) from None
    workers = Workers()
    try:
        workers.read((await present_at(server))[0])
    except FAILURES as error:
        raise QueueUnusable(Reach(url).put(error)) from error
    finally:
        await server.aclose()
    return workers.offers, {worker.life: worker.refused for worker in workers.seen if worker.refused}


async def present_at(server: Redis) -> tuple[dict[str, bytes], set[str]]:
    """The offers on a server as they are, by life, and the lives that have fallen silent."""
    members: Any = await server.smembers(keys.WORKERS)
    lives = sorted(filter(None, map(keys.life_in, members)))[: keys.MOST_WORKERS]
    contents: Any = await server.mget([keys.offer_of(life) for life in lives]) if lives else []
    present = {life: content for life, content in zip(lives, contents, strict=True) if isinstance(content, bytes)}
    return present, set(lives) - present.keys()
