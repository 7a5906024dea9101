"""Keeping one child process alive, be it the bot's worker or the worker's engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inference.queue.backoff import pauses
from inference.queue.options import WorkerOptions
from inference.queue.watchdog import Silence
from inference.queue.wire import (
    MAX_REASON_CHARS,
    Configure,
    Counted,
    DownMessage,
    Hello,
    Link,
    Patience,
    Trouble,
    UpMessage,
    WireError,
    decode_up,
    ended_within,
    reason,
    spawn,
)

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
STARTS_BEFORE_TROUBLE = 3  # children in a row that never became ready, before people are told

Death = Literal["crashed", "hung"]


@dataclass(frozen=True, slots=True)
class Watch:
    """When a child counts as hung: silent for `silence_seconds` or what is usual for it, while `busy` or while it
    starts, which may take `start_seconds`."""

    silence_seconds: float
    start_seconds: float
    busy: Callable[[], bool]


class Supervisor:
    """Starts a child, tells it its options, hears it out, and starts it again when it has ended, until `stop`.

    A child is ready once it has said Hello with slots. `on_message` is given every message with the silence in seconds
    that had been announced before it, `on_end` how a child ended, after it has, and `on_trouble` why none becomes
    ready, each time once several in a row were not. All of them must return at once.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        options: WorkerOptions,
        *,
        on_message: Callable[[UpMessage, float], None],
        on_end: Callable[[Death], None],
        on_trouble: Callable[[str], None],
        watch: Watch | None = None,
        longest_pause: float,
        last_words_seconds: float,
        **process: Any,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._options = options
        self._on_message, self._on_end, self._on_trouble = on_message, on_end, on_trouble
        self._watching = watch
        self._longest_pause = longest_pause
        self._last_words_seconds = last_words_seconds
        self._process_options = process
        self._process: asyncio.subprocess.Process | None = None
        self._link: Link | None = None
        self._ready = False
        self._born_at = 0.0
        self._silence = Silence(0.0, 0.0)
        self._death: Death = "crashed"
        self._failures = 0
        self._last_words: str | None = None
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    @property
    def pid(self) -> int | None:
        """The child's process id while one is running."""
        return None if self._process is None else self._process.pid

    @property
    def reachable(self) -> bool:
        """Whether there is a child to talk to."""
        return self._link is not None

    def send(self, message: DownMessage) -> None:
        """To the child, if there is one. What a dying one does not read is lost: `on_end` tells of its end."""
        if self._link is not None:
            self._link.send(message)

    def work_begins(self) -> None:
        """Work goes in after a rest, which was no silence."""
        self._silence.begin(time.monotonic())

    async def run(self) -> None:
        """Keeps children alive until `stop`; cancelled it kills the present one."""
        self._over.clear()
        watching = asyncio.create_task(self._watch(self._watching)) if self._watching is not None else None
        try:
            await self._keep()
        finally:
            if watching is not None:
                watching.cancel()
            self._kill()
            self._over.set()

    async def stop(self, farewell: DownMessage | None = None, grace_seconds: float = 0.0) -> None:
        """Starts no further child and lets the present one end: at a farewell within the grace, else at the end of its
        stream. Returns when it has ended or was killed."""
        self._stopping.set()
        if self._link is not None and farewell is not None:
            self._link.send(farewell)
        elif self._link is not None:
            await self._link.close()
        try:
            async with asyncio.timeout(grace_seconds + self._last_words_seconds):
                await self._over.wait()
        except TimeoutError:
            log.warning("the %s did not end in time; killing it", self._name)
            self._kill()
            await self._over.wait()

    async def _keep(self) -> None:
        waits = pauses(FIRST_PAUSE_SECONDS, self._longest_pause)
        while not self._stopping.is_set():
            ready, why = await self._one_life()
            if self._stopping.is_set():
                return
            if ready:
                waits = pauses(FIRST_PAUSE_SECONDS, self._longest_pause)
            self._failures = 0 if ready else self._failures + 1
            if self._failures >= STARTS_BEFORE_TROUBLE:
                self._on_trouble(why[:MAX_REASON_CHARS])
            pause = next(waits)
            log.warning("the %s is gone (%s); the next one comes in %.1f s", self._name, self._death, pause)
            await _wait(self._stopping, pause)

    async def _one_life(self) -> tuple[bool, str]:
        """From start to end. Returns whether the child was ever ready, and why it was not."""
        self._born_at = time.monotonic()
        self._silence = Silence(0.0 if self._watching is None else self._watching.silence_seconds, self._born_at)
        self._death, self._last_words = "crashed", None
        try:
            process, link = await spawn(self._command, **self._process_options)
        except OSError as error:
            log.exception("cannot start the %s", self._name)
            return False, f"the {self._name} cannot be started: {reason(error)}"
        self._process, self._link = process, link
        link.send(Configure(options=self._options, failed_starts=self._failures))
        if self._stopping.is_set():
            await link.close()
        ready = await self._attend(process, link)
        return ready, self._last_words or self._ended_by(process)

    async def _attend(self, process: asyncio.subprocess.Process, link: Link) -> bool:
        """Hears a child out until it has ended. Returns whether it was ever ready."""
        was_ready = False
        try:
            while (line := await link.line()) is not None:
                self._hear(decode_up(line))
                was_ready |= self._ready
        except WireError as nonsense:
            log.error("the %s cannot be understood; killing it: %s", self._name, nonsense)
            self._last_words = str(nonsense)
            self._kill()
        self._link, self._ready = None, False
        await link.close()
        if not await ended_within(process, self._last_words_seconds):
            self._kill()
            await process.wait()
        self._process = None
        self._on_end(self._death)
        return was_ready

    def _ended_by(self, process: asyncio.subprocess.Process) -> str:
        if self._death == "hung":
            return f"the {self._name} was silent for too long"
        return f"the {self._name} ends before it is ready, with exit status {process.returncode}"

    def _hear(self, message: UpMessage) -> None:
        if isinstance(message, Counted):  # comes by the way: no end of a silence, and no measure of one
            self._on_message(message, 0.0)
            return
        now = time.monotonic()
        announced = self._silence.heard(now)
        match message:
            case Hello(slots=slots):
                self._ready = slots > 0
            case Trouble(why=why):
                self._last_words = why
            case Patience(seconds=seconds, why=why):
                log.info("the %s asks for %.0f s: %s", self._name, seconds, why)
                self._silence.announce(seconds, now)
        self._on_message(message, announced)

    async def _watch(self, watch: Watch) -> None:
        while True:
            await asyncio.sleep(min(1.0, watch.silence_seconds / 4))
            now = time.monotonic()
            if self._link is None or not self._silence.too_long(now):
                continue
            if watch.busy() if self._ready else now - self._born_at > watch.start_seconds:
                log.error("the %s is silent; killing it", self._name)
                self._death = "hung"
                self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    await asyncio.wait([waiting := asyncio.ensure_future(event.wait())], timeout=seconds)
    waiting.cancel()
