"""The worker's side: what `inference.queue.wire.Link` is to a worker beside the bot, over a Redis server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from inference.queue.logs import of_job
from inference.queue.transport import JobReport, is_last
from inference.queue.transport.mailbox import Mailbox
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.hearing import job_of_order
from inference.queue.transport.redis.offer import Offer
from inference.queue.transport.redis.probing import Answer, Answering
from inference.queue.transport.redis.server import BLOCK_MS, FAILURES, Reach, ended, entries_of, open_server, refuses
from inference.queue.wire import (
    MAX_LINE_BYTES,
    Cancel,
    Configure,
    Counted,
    Drain,
    Hello,
    Patience,
    Probe,
    Report,
    Submit,
    Trouble,
    UpMessage,
    WireError,
    decode_down,
    encode,
)
from inference.requests import Failed, Progress

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
MOST_AT_ONCE = 16
BEHIND = 1000  # reports that nobody has read: more progress would push out what matters
LAST_WORDS_SECONDS = 5.0


class RedisLink:
    """Orders come out of `line`, reports go into `send`; whether the server can be reached just now is no matter of
    theirs. `offer` is what this worker says of itself at the start; `on_beat` hears what
    of that the server has taken. Raises ValueError for an address that the library does not understand.
    """

    def __init__(
        self,
        url: str,
        life: str,
        offer: Offer,
        *,
        presence_seconds: float = keys.PRESENCE_SECONDS,
        on_beat: Callable[[Offer], None] = lambda _offer: None,
    ) -> None:
        self._server = open_server(url)
        self._reach = Reach(url)
        self._life = life
        self._offer = offer
        self._answering = Answering(self._server)
        self._on_beat = on_beat
        self._presence_ms = round(presence_seconds * 1000)
        self._orders: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._mailbox = Mailbox()
        self._sent = asyncio.Event()
        self._sent.set()
        self._held: set[int] = set()
        self._beat_due = asyncio.Event()
        self._hello: UpMessage | None = None
        self._behind = False
        self._tasks: list[asyncio.Task[None]] = []

    async def refusal(self) -> str | None:
        """Why the server will not have us, in one line; None where it does, or is out of reach for now."""
        try:
            await self._server.ping()
        except FAILURES as error:
            return self._reach.put(error) if refuses(error) else None
        return None

    def answers(self, answer: Answer) -> None:
        """Has probes of the store answered from now on, and says so."""
        self._answering.answer = answer
        self._offer = self._offer.model_copy(update={"probes": True})

    def open(self) -> None:
        """Begins to reach the server. Returns at once."""
        works = (self._read_forever(), self._write_forever(), self._beat_forever())
        self._tasks = [asyncio.create_task(work) for work in works]
        for task in self._tasks:
            task.add_done_callback(self._broken)

    async def line(self) -> bytes | None:
        """The next order, one that is understood; None when the link has been closed."""
        return await self._orders.get()

    def send(self, message: UpMessage) -> None:
        """Takes a message on its way; progress that nobody will read in time is dropped."""
        match message:
            case Report(report=report):
                if not (self._behind and isinstance(report.event, Progress)):
                    self._post(report)
            case Hello(slots=slots, card=card, timings=timings):
                trouble, offer = None if slots else self._offer.trouble, self._offer
                known = {"card": card or offer.card, "timings": timings or offer.timings}
                self._tell(message, slots=slots, trouble=trouble, **known)
            case Trouble(why=why):
                self._tell(message, trouble=why)
            case Counted(figures=figures, loading=loading):
                moved = loading != self._offer.loading
                self._offer = self._offer.model_copy(update={"figures": figures, "loading": loading})
                if moved:  # else the next beat tells it
                    self._tell(message)
            case Patience():
                pass  # is between an engine and its parent

    async def flush(self) -> None:
        """Waits until everything is on the server, not for ever where that is out of reach."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._sent.wait()
        except TimeoutError:
            log.warning("the queue is out of reach; what was to be said last is lost")

    async def close(self) -> None:
        """Takes this life off the server, so that nobody waits for it."""
        for task in self._tasks:
            await ended(task)
        await self._answering.close()
        if self._tasks:
            await self._say_goodbye()
        await self._server.aclose()
        self._orders.put_nowait(None)

    async def _say_goodbye(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS), self._server.pipeline(transaction=True) as pipe:
                pipe.delete(keys.offer_of(self._life), keys.inbox_of(self._life))
                pipe.srem(keys.WORKERS, self._life)
                await pipe.execute()
        except FAILURES as error:
            log.warning("this worker is forgotten by its silence alone: %s", self._reach.put(error))

    def _broken(self, task: asyncio.Task[None]) -> None:
        """A task that ends of an error would leave a worker that only seems to work: it ends, and is started again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("this worker can go on no longer", exc_info=error)
            self._orders.put_nowait(None)

    # What it offers

    def _tell(self, hello: UpMessage, **changed: Any) -> None:
        self._offer = self._offer.model_copy(update=changed)
        self._hello = hello
        self._beat_due.set()

    async def _beat_forever(self) -> None:
        while True:
            self._beat_due.clear()
            hello = self._hello
            try:
                await self._beat(hello)
            except FAILURES as error:
                await asyncio.sleep(self._reach.failed("beating", error))
                continue
            self._reach.works("beating")
            self._on_beat(self._offer)
            if self._hello is hello:
                self._hello = None
            waiting = asyncio.ensure_future(self._beat_due.wait())
            await asyncio.wait([waiting], timeout=BEAT_SECONDS)
            waiting.cancel()

    async def _beat(self, hello: UpMessage | None) -> None:
        held = frozenset(self._held)
        self._offer = self._offer.model_copy(update={"beat": self._offer.beat + 1, "held": held})
        async with self._server.pipeline(transaction=True) as pipe:
            pipe.set(keys.offer_of(self._life), self._offer.model_dump_json(), px=self._presence_ms)
            pipe.sadd(keys.WORKERS, self._life)
            pipe.pexpire(keys.inbox_of(self._life), keys.INBOX_MS)
            if hello is not None:  # so that the bot looks at once
                self._add(pipe, hello)
            pipe.xlen(keys.UP)
            self._behind = (await pipe.execute())[-1] > BEHIND

    # What it is told

    async def _read_forever(self) -> None:
        inbox = keys.inbox_of(self._life)
        read: list[bytes] = []
        while True:
            try:
                if read:
                    await self._server.xdel(inbox, *read)
                    read = []
                entries = await entries_of(self._server, inbox, keys.BEGINNING, count=MOST_AT_ONCE, block_ms=BLOCK_MS)
            except FAILURES as error:
                await asyncio.sleep(self._reach.failed("reading", error))
                continue
            self._reach.works("reading")
            for number, fields in entries:
                read.append(number)
                self._take(fields)

    def _take(self, fields: dict[bytes, bytes]) -> None:
        line = keys.line_in(fields, MAX_LINE_BYTES)
        if line is None:
            log.warning("an order that is none of the bot's; passed over")
            return
        try:
            message = decode_down(line)
        except WireError as why:
            self._misheard(line, why)
            return
        match message:
            case Submit(assignment=assignment):
                self._held.add(assignment.job_id)
                self._orders.put_nowait(line)
            case Cancel():
                self._orders.put_nowait(line)
            case Probe():
                self._answering.take(message)
            case Configure() | Drain():
                log.warning("an order that comes from no bot over Redis: %s; passed over", message.type)

    def _misheard(self, line: bytes, why: WireError) -> None:
        """An order of another version fails its job, and no more than that."""
        job_id = job_of_order(line)
        log.warning("an order cannot be understood, about job %s: %s", job_id, why, extra=of_job(job_id))
        if job_id is not None and job_id not in self._held:
            failure = Failed(code="internal", message=f"the worker does not understand the order: {why}")
            self._held.add(job_id)
            self._post(JobReport(job_id=job_id, event=failure))

    # What it tells

    def _post(self, report: JobReport) -> None:
        self._sent.clear()
        self._mailbox.post(report)

    async def _write_forever(self) -> None:
        while (report := await self._mailbox.take()) is not None:
            while not await self._wrote(report):
                pass
            if is_last(report):
                self._held.discard(report.job_id)
            if self._mailbox.empty:
                self._sent.set()

    async def _wrote(self, report: JobReport) -> bool:
        try:
            async with self._server.pipeline(transaction=True) as pipe:
                self._add(pipe, Report(report=report))
                pipe.xlen(keys.UP)
                self._behind = (await pipe.execute())[-1] > BEHIND
        except FAILURES as error:
            await asyncio.sleep(self._reach.failed("writing", error))
            return False
        self._reach.works("writing")
        return True

    def _add(self, pipe: Any, message: UpMessage) -> None:
        entry = {"life": self._life, "line": encode(message)}
        pipe.xadd(keys.UP, entry, maxlen=keys.MOST_REPORTS, approximate=True)
