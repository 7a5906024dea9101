"""A question to one worker about its store of pictures, and its word back: between a doctor and that worker alone, so
it lies under a name of its own and no bot reads it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from pydantic import Field, ValidationError
from redis.asyncio import Redis

from inference.queue.transport.redis import keys
from inference.queue.transport.redis.server import FAILURES
from inference.queue.wire import MAX_REASON_CHARS, Probe, encode, reason
from inference.requests import Contract

log = logging.getLogger(__name__)

ANSWER_SECONDS = 20.0  # of the worker; a store that is slower is of no use to anybody
WORD_MS = 60_000
MOST_AT_ONCE = 2
MAX_WORD_BYTES = 4096
WAIT_SECONDS = 1  # at a time, less than the server's silence may last

Answer = Callable[[str], object]  # reads the blob of that name and leaves another, in a thread


class Word(Contract):
    """What a worker has to say of a probe; `trouble` is why it could not be done."""

    trouble: Annotated[str, Field(max_length=MAX_REASON_CHARS)] | None = None


async def probe(server: Redis, life: str, digest: str) -> str | None:
    """Has a worker answer the question of that name. Returns why it could not, in one line; None where it says it has.

    Raises what the server raises.
    """
    token = secrets.token_hex(8)
    async with server.pipeline(transaction=True) as pipe:
        order = encode(Probe(blob=digest, token=token))
        pipe.xadd(keys.inbox_of(life), {"line": order}, maxlen=keys.MOST_ORDERS, approximate=True)
        pipe.pexpire(keys.inbox_of(life), keys.INBOX_MS)
        await pipe.execute()
    deadline = time.monotonic() + ANSWER_SECONDS + WAIT_SECONDS
    said: Any = None
    while said is None and time.monotonic() < deadline:
        said = await server.blpop([keys.word_of(token)], timeout=WAIT_SECONDS)
    if said is None:
        return f"it has not answered in {ANSWER_SECONDS:.0f} s"
    try:
        return Word.model_validate_json(said[1]).trouble if len(said[1]) <= MAX_WORD_BYTES else "its word is too long"
    except ValidationError:
        return "its word cannot be understood"


class Answering:
    """The worker's side: a few probes at a time, in threads, whose words go to the server. State: those under way."""

    def __init__(self, server: Redis) -> None:
        self.answer: Answer | None = None
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, order: Probe) -> None:
        """Returns at once. One too many is passed over: whoever asks hears nothing, and may ask again."""
        if len(self._tasks) >= MOST_AT_ONCE:
            log.warning("a probe of the store too many; passed over")
            return
        self._begin(self._say(order))

    async def close(self) -> None:
        """Gives up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="probe of the store")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, order: Probe) -> None:
        word = Word(trouble=await self._trouble(order.blob))
        try:
            async with self._server.pipeline(transaction=True) as pipe:
                pipe.rpush(keys.word_of(order.token), word.model_dump_json())
                pipe.pexpire(keys.word_of(order.token), WORD_MS)
                await pipe.execute()
        except FAILURES as error:
            log.warning("the answer to a probe is lost: %s", reason(error))

    async def _trouble(self, digest: str) -> str | None:
        if self.answer is None:
            return "this worker knows of no store"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.to_thread(self.answer, digest)
        except TimeoutError:
            return f"the store has not answered in {ANSWER_SECONDS:.0f} s"
        except Exception as error:  # whatever the driver of somebody's store may raise
            return reason(error)
        return None
