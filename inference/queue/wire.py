"""What bot, worker and engine child say to each other: JSON lines over a Unix socket the child has inherited.

The same messages go over both hops, `Configure` first. A side that reads the end of the stream knows that the other one
is gone. The child of either hop is started with `--fd N`, N being its end of a socket pair.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from inference.queue.figures import Figures
from inference.queue.options import WorkerOptions
from inference.queue.timings import Loading, Timings
from inference.queue.transport import Assignment, JobId, JobReport
from inference.requests import OF_ANY_VERSION, Contract, ModelCard

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 8 * 2**20
MAX_REASON_CHARS = 500


class WireError(ValueError):
    """What the other side said cannot be understood. In one line without the values, which may be secret."""


class Configure(Contract):
    """The first message to a child: all its options. `failed_starts` children before it were never ready."""

    type: Literal["configure"] = "configure"
    options: WorkerOptions
    failed_starts: Annotated[int, Field(ge=0)] = 0


class Submit(Contract):
    type: Literal["submit"] = "submit"
    assignment: Assignment


class Cancel(Contract):
    """Stop a job within a step; what was whole of it by then comes up with its end."""

    type: Literal["cancel"] = "cancel"
    job_id: JobId


class Drain(Contract):
    """Take nothing new, finish what runs within the grace, report the rest as drained, exit."""

    type: Literal["drain"] = "drain"
    grace_seconds: float


class Probe(Contract):
    """Over Redis alone, from a doctor: read the blob of that name, leave the answer (`inference.blobs.probing`), say so
    under the token."""

    type: Literal["probe"] = "probe"
    blob: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Hello(Contract):
    """Ready for `slots` jobs at a time. May be said again when that changes, or when more is known of the speed.
    `cards` are the graphics cards of the machine, of which it uses one."""

    type: Literal["hello"] = "hello"
    slots: Annotated[int, Field(ge=0)]
    card: ModelCard | None = None
    timings: Timings | None = None
    pid: int
    cards: Annotated[int, Field(ge=0, le=1024)] = 0


class Report(Contract):
    type: Literal["report"] = "report"
    report: JobReport


class Counted(Contract):
    """What the engine has counted, once a second while it works, and how far its nets are; None where it does not say.
    It tells nothing of how long a job takes."""

    type: Literal["counted"] = "counted"
    figures: Figures
    loading: Loading | None = None


class Patience(Contract):
    """From the engine child: the next message may take this long (weights are loading). Any message ends it."""

    type: Literal["patience"] = "patience"
    seconds: Annotated[float, Field(gt=0)]
    why: str


class Trouble(Contract):
    """It cannot become ready, and this is why: from the engine child as its last words, from the worker once several
    engines have failed to start. A Hello with slots ends it."""

    type: Literal["trouble"] = "trouble"
    why: Annotated[str, Field(max_length=MAX_REASON_CHARS)]


Down = Annotated[Configure | Submit | Cancel | Drain | Probe, Field(discriminator="type")]
Up = Annotated[Hello | Report | Counted | Patience | Trouble, Field(discriminator="type")]
DownMessage = Configure | Submit | Cancel | Drain | Probe
UpMessage = Hello | Report | Counted | Patience | Trouble
_DOWN: TypeAdapter[DownMessage] = TypeAdapter(Down)
_UP: TypeAdapter[UpMessage] = TypeAdapter(Up)


def encode(message: DownMessage | UpMessage) -> bytes:
    """One line, its newline included."""
    return message.model_dump_json().encode() + b"\n"


def reason(error: BaseException) -> str:
    """An error in one line, short enough for a Trouble."""
    told = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {told}"[:MAX_REASON_CHARS]


def decode_down(line: bytes) -> DownMessage:
    """The message on a line towards the device, understood as a whole or not at all. Raises WireError."""
    try:
        return _DOWN.validate_json(line)
    except ValidationError as refusal:
        raise _misunderstood(refusal) from None  # which would print what was said


def decode_up(line: bytes) -> UpMessage:
    """The message on a line towards the bot; what a later version has added to it is passed over. Raises WireError."""
    try:
        return _UP.validate_json(line, **OF_ANY_VERSION)
    except ValidationError as refusal:
        raise _misunderstood(refusal) from None


def configured(message: DownMessage | None) -> Configure:
    """The first message to a child, None where the stream has ended. Raises WireError for any but that one."""
    if not isinstance(message, Configure):
        raise WireError("no options were given before anything else; the bot starts this program and gives them")
    return message


def misfit(refusal: ValidationError) -> str:
    """What does not fit first, and where, in one line without its value."""
    first = refusal.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "a line"
    why = "its type is not known" if first["type"] == "union_tag_invalid" else first["msg"]  # which would repeat it
    return f"{where}: {why}"[:MAX_REASON_CHARS]


def _misunderstood(refusal: ValidationError) -> WireError:
    return WireError(f"the two sides are not of the same version of the program: {misfit(refusal)}")


class ParentLink:
    """A child's end, for a child without an event loop (the engine).

    Messages from the parent appear in `inbox` in order; None after the last one. `send` may be called from any thread.
    The child exits hard when the parent is gone, even in the middle of a forward pass, unless told otherwise;
    `before_exit` is called before, by another thread.
    """

    def __init__(self, fd: int, *, exit_on_eof: bool = True) -> None:
        self._socket = socket.socket(fileno=fd)
        self._sending = threading.Lock()
        self._exit_on_eof = exit_on_eof
        self.before_exit: Callable[[], None] = lambda: None
        self.inbox: queue.SimpleQueue[DownMessage | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="parent-link", daemon=True).start()

    def send(self, message: UpMessage) -> None:
        """Blocks until the line is handed to the kernel. Raises OSError when the parent is gone."""
        with self._sending:
            self._socket.sendall(encode(message))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        try:
            with contextlib.suppress(OSError), self._socket.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # a killed parent may leave half a line
                        self.inbox.put(decode_down(line))
        except WireError as nonsense:  # a thread that died of it would leave a child that hears nothing any more
            log.error("the parent cannot be understood; this is the end: %s", nonsense)
            with contextlib.suppress(OSError):
                self.send(Trouble(why=str(nonsense)[:MAX_REASON_CHARS]))
        self.inbox.put(None)
        if self._exit_on_eof:
            try:
                self.before_exit()
            except Exception:
                log.exception("something was not put away before the end")
            finally:
                os._exit(0)


class Link:
    """Either end for a process with an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def line(self) -> bytes | None:
        """The next line, None at the end of the stream. Half a line at the end (a killed writer) is dropped.

        Raises WireError for a line that is too long to be one of ours.
        """
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            raise WireError(f"a line of more than {MAX_LINE_BYTES} bytes") from overrun
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def send(self, message: DownMessage | UpMessage) -> None:
        """Queues a line; one to a peer that is gone is lost, and the peer's end is seen by `line`."""
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def flush(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def open_link(end: socket.socket) -> Link:
    """A link over a connected socket, which it owns from now on."""
    reader, writer = await asyncio.open_unix_connection(sock=end, limit=MAX_LINE_BYTES)
    return Link(reader, writer)


async def spawn(command: list[str], **options: Any) -> tuple[asyncio.subprocess.Process, Link]:
    """Starts `command --fd N` with one end of a fresh socket pair. Returns the process and our end."""
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            "--fd",
            str(theirs.fileno()),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            **options,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, await open_link(ours)


async def ended_within(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Waits for a process to end, at most so long; whether it has."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True


def die_with_parent() -> None:
    """Ties this process to the one that started it: on Linux the kernel kills it when that one's main thread ends.

    Elsewhere the end of the stream does the same a moment later (prctl(2), PR_SET_PDEATHSIG).
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew of our wish
        os._exit(0)
