"""The bot's side: places jobs at workers, hears what becomes of them, and gives nobody up too early."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from inference.queue.figures import WorkerSeen
from inference.queue.logs import of_job
from inference.queue.recent import Recent
from inference.queue.transport import Assignment, Capacity, Interrupted, JobReport, is_last
from inference.queue.transport.mailbox import Mailbox
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.glance import present_at
from inference.queue.transport.redis.hearing import heard
from inference.queue.transport.redis.levels import Levels
from inference.queue.transport.redis.server import (
    FAILURES,
    Reach,
    Since,
    ended,
    entries_of,
    open_server,
)
from inference.queue.transport.redis.workers import Workers
from inference.queue.transport.redis.writing import Changes, Command
from inference.queue.wire import Cancel, DownMessage, Report, Submit, encode
from inference.requests import Cancelled, Finished, Progress

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
UNPLACED_SECONDS = 3.0
MOST_AT_ONCE = 200
MOST_UNHANDLED = 1000
LAST_WORDS_SECONDS = 2.0


class _Entry(JobReport):
    """A report with its id in the stream, under which it stays there until it has been handled."""

    entry: bytes


class _Unplaced(NamedTuple):
    assignment: Assignment
    worker: str | None  # that is to have it
    since: Since


class RedisDelivery:
    """Its workers outlive it: they draw on while the bot is away, and what they report waits on the server.

    A worker that has been silent for `presence_seconds` is gone, and its jobs are interrupted. Raises ValueError for an
    address that the library does not understand.
    """

    owns_workers = False

    def __init__(self, url: str, *, presence_seconds: float = keys.PRESENCE_SECONDS) -> None:
        self._server = open_server(url)
        self._reach = Reach(url)
        self._changes = Changes(self._server, self._reach)
        self._presence = presence_seconds
        self._mailbox = Mailbox()
        self._assigned: dict[int, str] = {}  # until the last report has been handled
        self._ended: set[int] = set()  # told, and not handled
        self._stopping: set[int] = set()  # cancelled at their workers, in nobody's way there
        self._all_handled = asyncio.Event()
        self._all_handled.set()
        self._unplaced: dict[int, _Unplaced] = {}
        self._entries: set[bytes] = set()  # read, and not handled
        self._done_with: Recent[bytes, None] = Recent(2 * keys.MOST_REPORTS)  # about to be deleted
        self._workers = Workers()
        self._levels = Levels()
        self._read_to = keys.BEGINNING
        self._name = secrets.token_hex(4)
        self._marker: bytes | None = None
        self._loaded = False
        self._adopting = False
        self._looked = Since()
        self._in_doubt = Since()  # whether the silent are gone, or we have not been able to hear them
        self._look_now = True
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._listen_forever(), name="queue's ear"),
            asyncio.create_task(self._changes.write_forever(), name="queue's pen"),
        ]

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Hears no more. What has been heard can still be handled; the workers are left to their work."""
        self._closing = True
        if self._tasks:
            await ended(self._tasks[0])
        for job_id in list(self._unplaced):
            self._give_back(job_id)
        self._mailbox.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(grace_seconds, LAST_WORDS_SECONDS)):
                await self._all_handled.wait()
        await self._changes.flush(LAST_WORDS_SECONDS)
        for task in self._tasks:
            await ended(task)
        await self._server.aclose()

    async def capacity(self) -> Capacity:
        reached = self._looked.seconds <= self._presence and not self._closing
        trouble = self._reach.trouble or self._workers.trouble
        unreachable = self._reach.trouble is not None
        return Capacity(workers=self._workers.workers if reached else (), trouble=trouble, unreachable=unreachable)

    def seen(self) -> tuple[WorkerSeen, ...]:
        return self._workers.seen if self._looked.seconds <= self._presence and not self._closing else ()

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        if assignment.job_id in self._held:
            return
        since = Since()
        since.now()
        self._unplaced[assignment.job_id] = _Unplaced(assignment, worker, since)
        self._place()

    def where(self, job_id: int) -> str | None:
        return self._assigned.get(job_id)

    async def cancel(self, job_id: int) -> None:
        if job_id in self._unplaced:
            del self._unplaced[job_id]
            self._end(JobReport(job_id=job_id, event=Cancelled(done=0.0)))
        elif job_id in self._assigned and job_id not in self._ended:
            self._stopping.add(job_id)
            self._order(self._assigned[job_id], Cancel(job_id=job_id))

    async def known(self) -> frozenset[int] | None:
        return frozenset(self._held) if self._loaded and not self._adopting else None

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self._mailbox.take()) is not None:
            handled = False
            try:
                yield report
                handled = True
            finally:  # what a reader that ends with the bot has not handled is read again by the next one
                if handled or not self._closing:
                    self._handled(report)

    @property
    def _held(self) -> set[int]:
        return {*self._assigned, *self._ended, *self._unplaced}

    # Placing

    def _place(self) -> None:
        """Gives each job to the worker that is to have it, or to another that can draw it where that one has gone;
        keeps what nobody takes for a little."""
        in_the_way = self._assigned.keys() - self._ended - self._stopping
        load = Counter(self._assigned[job_id] for job_id in in_the_way)
        for job_id, (assignment, worker, since) in list(self._unplaced.items()):
            if (life := self._workers.with_room(assignment.request, load, worker)) is not None:
                del self._unplaced[job_id]
                self._assigned[job_id] = life
                load[life] += 1
                self._order(life, Submit(assignment=assignment))
            elif since.seconds > UNPLACED_SECONDS:
                log.info(
                    "no worker has room for job %d, or the weights for it; it goes back", job_id, extra=of_job(job_id)
                )
                self._give_back(job_id)

    def _give_back(self, job_id: int) -> None:
        """At no cost to it: that there is no worker for it is not its fault."""
        del self._unplaced[job_id]
        self._end(JobReport(job_id=job_id, event=Interrupted(cause="drained", alone=False)))

    def _order(self, life: str, message: DownMessage) -> None:
        inbox = keys.inbox_of(life)
        add = ("XADD", inbox, "MAXLEN", "~", keys.MOST_ORDERS, "*", "line", encode(message))
        expire = ("PEXPIRE", inbox, keys.INBOX_MS)
        if isinstance(message, Submit):
            self._changes.put(("HSET", keys.JOBS, message.assignment.job_id, life), add, expire)
        else:
            self._changes.put(add, expire)

    # Hearing

    async def _listen_forever(self) -> None:
        while True:
            try:
                if not self._loaded:
                    await self._load()
                if self._look_now or self._looked.seconds >= LOOK_SECONDS:
                    await self._look()
                if len(self._entries) >= MOST_UNHANDLED:
                    await asyncio.sleep(LOOK_SECONDS / 10)
                else:
                    await self._read(round(LOOK_SECONDS * 1000))
            except FAILURES as error:
                self._in_doubt.now()
                self._read_to = keys.BEGINNING
                await asyncio.sleep(self._reach.failed("hearing", error))
            except Exception as error:  # of an entry, which has been passed: nothing that stands there may end this
                log.exception("something on the queue's server is not understood")
                await asyncio.sleep(self._reach.failed("hearing", error))
            else:
                self._reach.works("hearing")

    async def _load(self) -> None:
        """What an earlier life of the bot has left: who has which job, and what nobody has handled."""
        self._marker = await self._mark()
        stored: Any = await self._server.hgetall(keys.JOBS)
        for name, value in stored.items():
            life = keys.life_in(value)
            if life is not None and name.isdigit() and len(name) < 19:
                self._assigned.setdefault(int(name), life)
        await self._drain()
        self._adopting = self._marker.startswith(self._name.encode())
        self._in_doubt.now()
        self._loaded = True

    async def _mark(self) -> bytes:
        """What marks the server as one that remembers: a word of ours where there was none."""
        async with self._server.pipeline(transaction=False) as pipe:
            pipe.set(keys.MARKER, f"{self._name}:{secrets.token_hex(4)}", nx=True)
            pipe.get(keys.MARKER)
            marker = (await pipe.execute())[1]
        return marker if isinstance(marker, bytes) else b""

    async def _look(self) -> None:
        """Reads all offers, then all reports that are older than these, then judges."""
        if self._looked.seconds > LOOK_SECONDS + self._presence / 2:
            self._in_doubt.now()
        if (marker := await self._mark()) != self._marker:
            self._marker = marker
            self._write_anew()
        present, silent = await present_at(self._server)
        self._workers.read(present)
        self._looked.now()
        self._look_now = False
        if await self._drain():
            self._judge(silent)
        self._place()

    def _write_anew(self) -> None:
        """The server has forgotten everything: what is assigned is written down again, and all may come back first."""
        log.warning("the queue's server has lost its data; workers are waited for")
        self._in_doubt.now()
        self._read_to = keys.BEGINNING
        self._entries.clear()
        self._done_with.clear()
        self._changes.put(*(("HSET", keys.JOBS, job_id, life) for job_id, life in self._assigned.items()))

    def _judge(self, silent: set[str]) -> None:
        sure = self._in_doubt.seconds > self._presence
        if self._adopting:
            self._adopt()
            self._adopting = not sure
        lost, strays = self._levels.compare(self._assigned, self._ended, self._workers.offers, silent_are_gone=sure)
        for job_id in lost:
            log.warning("job %d is no longer at %s", job_id, self._assigned[job_id], extra=of_job(job_id))
            self._end(JobReport(job_id=job_id, event=Interrupted(cause="worker_gone", alone=False)))
        for life, job_id in strays:
            self._order(life, Cancel(job_id=job_id))
        for life in silent if sure else ():
            self._changes.put(("SREM", keys.WORKERS, life), ("DEL", keys.inbox_of(life)))

    def _adopt(self) -> None:
        """Bot and server have both forgotten who has what, as after a power cut; the workers have not."""
        for life, offer in self._workers.offers.items():
            for job_id in offer.held - self._assigned.keys():
                self._assigned[job_id] = life
                self._changes.put(("HSET", keys.JOBS, job_id, life))

    async def _drain(self) -> bool:
        """Reads what is there. Returns whether that was all."""
        while len(self._entries) < MOST_UNHANDLED:
            if not await self._read(None):
                return True
        return False

    async def _read(self, block_ms: int | None) -> int:
        entries = await entries_of(self._server, keys.UP, self._read_to, count=MOST_AT_ONCE, block_ms=block_ms)
        for number, fields in entries:
            self._read_to = number.decode()
            if number in self._entries or number in self._done_with:
                continue  # read before the connection broke
            if not self._take(number, fields):
                self._changes.put(self._done(number))
        return len(entries)

    def _done(self, number: bytes) -> Command:
        self._entries.discard(number)
        self._done_with[number] = None
        return ("XDEL", keys.UP, number)

    def _take(self, number: bytes, fields: dict[bytes, bytes]) -> bool:
        """Whether an entry is to stay until it has been handled."""
        said = heard(fields)
        if said is None:
            return False
        life, message = said
        if not isinstance(message, Report):
            self._look_now = True  # a worker that has something to offer, or not any more
            return False
        return self._report(number, life, message.report)

    def _report(self, number: bytes, life: str, report: JobReport) -> bool:
        """Reports count from whoever has the job; a finished picture is one, whoever drew it."""
        job_id = report.job_id
        theirs = self._assigned.get(job_id) == life or isinstance(report.event, Finished)
        if job_id in self._ended or not theirs:
            return False
        if isinstance(report.event, Progress):
            self._mailbox.post(report)
            return False
        self._entries.add(number)
        entry = _Entry(job_id=job_id, event=report.event, entry=number)
        if is_last(entry):
            self._end(entry)
        else:
            self._mailbox.post(entry)
        return True

    # Ends

    def _end(self, report: JobReport) -> None:
        self._ended.add(report.job_id)
        self._all_handled.clear()
        self._mailbox.post(report)

    def _handled(self, report: JobReport) -> None:
        """The ledger has it: nothing on the server need tell it again. One transaction, before anything that the
        dispatcher does next."""
        if isinstance(report.event, Progress):
            return
        forgotten: list[Command] = []
        if isinstance(report, _Entry):
            forgotten.append(self._done(report.entry))
        if is_last(report):
            self._ended.discard(report.job_id)
            self._stopping.discard(report.job_id)
            if self._assigned.pop(report.job_id, None) is not None:
                forgotten.append(("HDEL", keys.JOBS, report.job_id))
            if not self._ended:
                self._all_handled.set()
        self._changes.put(*forgotten)
