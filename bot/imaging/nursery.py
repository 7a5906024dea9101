"""The bot's end of `bot.imaging.child`: the process that makes processes, started when needed, again after a death."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections import deque
from dataclasses import dataclass
from typing import Any

from bot.imaging.child import LENGTH, MOST_REQUEST, ORDER, REPORT
from bot.imaging.deeds import DEEDS

log = logging.getLogger(__name__)

MOST_FACTS = 20_000
MOST_SAID = 300  # bytes of what the libraries print that are kept
SAYING_SECONDS = 5.0
DYING_SECONDS = 5.0
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "LC_ALL")
ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Died(Exception):
    """The process ended without an answer. `status` is as of `os.waitstatus_to_exitcode`, None where nobody knows."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


class TooMuchSaid(Exception):
    """An answer is larger than any can be."""


@dataclass
class _Running:
    """A nursery that is up, the bot's end of its orders, and what is still to be heard of its processes."""

    process: asyncio.subprocess.Process
    control: socket.socket
    ends: dict[int, asyncio.Future[int | None]]
    tasks: list[asyncio.Task[None]]


class Nursery:
    """State: the running nursery, if any. Its environment holds nothing but what Python takes to start."""

    def __init__(self) -> None:
        self._running: _Running | None = None
        self._starting = asyncio.Lock()
        self._numbers = 0

    @property
    def pid(self) -> int | None:
        return self._running.process.pid if self._running is not None else None

    async def start(self) -> None:
        """Has a nursery up. Raises OSError where the system gives no process."""
        await self._up()

    async def ask(self, request: dict[str, Any], clock: float, most: int) -> tuple[dict[str, Any], list[bytes]]:
        """Has a new process do `request["deed"]`; gives its facts and its parts, of `most` bytes in all.

        Raises Died, TimeoutError beyond `clock` seconds, TooMuchSaid, OSError where there can be no process.
        """
        running = await self._up()
        self._numbers += 1
        number, deed = self._numbers, list(DEEDS).index(request["deed"])
        end = running.ends[number] = asyncio.get_running_loop().create_future()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(running.control, [ORDER.pack(b"N", deed, number)], [theirs.fileno()])
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except OSError as gone:
            ours.close()
            running.ends.pop(number, None)
            raise Died(None) from gone
        try:
            async with asyncio.timeout(clock):
                return await _spoken(reader, writer, request, most)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Died(await _within(end)) from None
        finally:
            writer.close()
            if not end.done():  # it has answered and is going, or nobody waits for it any more
                with contextlib.suppress(OSError):
                    running.control.send(ORDER.pack(b"K", deed, number))

    async def close(self) -> None:
        """Ends all of its processes."""
        if (running := self._running) is None:
            return
        self._running = None
        with contextlib.suppress(OSError):
            running.control.shutdown(socket.SHUT_RDWR)
        try:
            async with asyncio.timeout(DYING_SECONDS):
                await running.process.wait()
        except TimeoutError:
            running.process.kill()
            await running.process.wait()
        await asyncio.gather(*running.tasks, return_exceptions=True)

    async def _up(self) -> _Running:
        async with self._starting:
            if self._running is None:
                self._running = await self._started()
            return self._running

    async def _started(self) -> _Running:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bot.imaging.child", str(theirs.fileno())),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    env={**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **ALONE},
                )
        except BaseException:
            ours.close()
            raise
        running = _Running(process, ours, {}, [])
        running.tasks = [asyncio.create_task(work(running)) for work in (self._hear_of_ends, self._hear_noises)]
        return running

    async def _hear_of_ends(self, running: _Running) -> None:
        loop, heard = asyncio.get_running_loop(), b""
        with contextlib.suppress(OSError):
            while news := await loop.sock_recv(running.control, 4096):
                heard += news
                while len(heard) >= REPORT.size:
                    number, status = REPORT.unpack(heard[: REPORT.size])
                    heard = heard[REPORT.size :]
                    if (end := running.ends.pop(number, None)) is not None and not end.done():
                        end.set_result(status)
        running.control.close()
        if self._running is running:
            self._running = None
            log.warning("the process that opens pictures ended; the next picture starts another one")
        for end in running.ends.values():
            if not end.done():
                end.set_result(None)

    async def _hear_noises(self, running: _Running) -> None:
        """What the libraries print is written by whoever made the file: some of it, harmless, for whoever debugs."""
        assert running.process.stderr is not None
        loop = asyncio.get_running_loop()
        quiet_until, last = 0.0, deque[str](maxlen=1)
        while noise := await running.process.stderr.read(4096):
            last.append(ascii(noise[-MOST_SAID:].decode("ascii", "replace")))
            if loop.time() >= quiet_until:
                quiet_until = loop.time() + SAYING_SECONDS
                log.debug("a decoder said: %s", ascii(noise[:MOST_SAID].decode("ascii", "replace")))
        if await running.process.wait() not in (0, -9) and last:
            log.error("the process that opens pictures failed: %s", last[0])


async def _spoken(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any], most: int
) -> tuple[dict[str, Any], list[bytes]]:
    said = json.dumps(request).encode()
    assert len(said) <= MOST_REQUEST
    writer.write(LENGTH.pack(len(said)) + said)
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > MOST_FACTS:
        raise TooMuchSaid
    facts = json.loads(await reader.readexactly(length))
    lengths = facts.pop("parts")
    if not all(isinstance(length, int) and length >= 0 for length in lengths) or sum(lengths) > most:
        raise TooMuchSaid
    return facts, [await reader.readexactly(length) for length in lengths]


async def _within(end: asyncio.Future[int | None]) -> int | None:
    """How a process ended, which its nursery tells a moment after its socket has closed."""
    try:
        return await asyncio.wait_for(asyncio.shield(end), DYING_SECONDS)
    except TimeoutError:
        return None
