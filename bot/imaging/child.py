"""`python -m bot.imaging.child FD`: makes a process for every deed, within limits, from one that is ready.

Orders come over the socket FD: a byte, `N` for a new process or `K` to kill one, which of the deeds it will be, and
the number of the process in eight bytes; an `N` carries the socket on which that process is spoken to. What becomes of
each is reported as its number and its status (`os.waitpid`). When the bot goes, so do all of them. A process reads one
JSON request and writes one JSON answer, each behind its length in four bytes, then the parts that the answer announces.
Nothing is pickled.

Limits are those of the operating system: processor seconds, address space (where Linux tells how much there is
already), seconds by the clock, bytes of a file. On systems that lack one of them the others hold, and the bot kills
whatever takes too long.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import resource
import select
import signal
import socket
import struct
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

from bot.imaging.deeds import DEEDS, PREPARED, Answer, Heavier, Refused, Task
from bot.imaging.weighing import Weight

NICENESS = 5  # behind the bot's own loop, before nothing at all
ORDER = struct.Struct(">cBQ")
REPORT = struct.Struct(">Qi")
LENGTH = struct.Struct(">I")
MOST_REQUEST = 100_000
SLACK = 96_000_000  # of address space: what the libraries take beside pictures
SLACK_SHARE = 0.25
OPEN_FILES = 64
REAPING_SECONDS = 0.02


def main(fd: int) -> None:
    """Serves until the other end of the socket is closed."""
    for name in (signal.SIGINT, signal.SIGTERM):  # they go to the whole group; the bot decides
        signal.signal(name, signal.SIG_IGN)
    os.nice(NICENESS)
    warnings.simplefilter("ignore")
    gc.freeze()
    control = socket.socket(fileno=fd)
    alive: dict[int, int] = {}  # process by number
    try:
        while True:
            ready, _, _ = select.select([control], [], [], REAPING_SECONDS if alive else None)
            if ready and not _obey(control, alive):
                return
            _reap(control, alive)
    finally:
        for process in alive.values():
            os.kill(process, signal.SIGKILL)


def _obey(control: socket.socket, alive: dict[int, int]) -> bool:
    """Carries out one order. False when the bot is gone."""
    order, sockets, _flags, _address = socket.recv_fds(control, ORDER.size, 1)
    if len(order) < ORDER.size:
        return False
    kind, deed, number = ORDER.unpack(order)
    if kind == b"K":
        if number in alive:
            os.kill(alive[number], signal.SIGKILL)
        return True
    (theirs,) = sockets
    name = list(DEEDS)[deed]
    if name in PREPARED:
        importlib.import_module(PREPARED[name])  # here, and so but once
    process = os.fork()
    if process == 0:
        control.close()
        _live(socket.socket(fileno=theirs))
    os.close(theirs)
    alive[number] = process
    return True


def _reap(control: socket.socket, alive: dict[int, int]) -> None:
    for number, process in list(alive.items()):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            del alive[number]
            with contextlib.suppress(OSError):
                control.sendall(REPORT.pack(number, os.waitstatus_to_exitcode(status)))


def _live(link: socket.socket) -> NoReturn:
    """One request, one answer. Whatever goes wrong here goes wrong for this file alone."""
    status = 1
    try:
        with link, link.makefile("rb") as requests:
            (length,) = LENGTH.unpack(requests.read(LENGTH.size))
            request = json.loads(requests.read(min(length, MOST_REQUEST)))
            answer = _answered(request)
            head = json.dumps({**answer.facts, "parts": [len(part) for part in answer.parts]}).encode()
            for part in (LENGTH.pack(len(head)), head, *answer.parts):
                link.sendall(part)
        status = 0
    finally:
        os._exit(status)


def _answered(request: dict[str, Any]) -> Answer:
    granted = Weight(request["memory"], request["seconds"])
    _limit(granted.memory, request["most_seconds"], request["clock"], request["written"])
    into = request["into"]
    task = Task(tuple(map(Path, request["files"])), granted, request["arguments"], into and Path(into))
    try:
        return DEEDS[request["deed"]](task)
    except Heavier as heavier:
        return Answer({"heavier": [heavier.weight.memory, heavier.weight.seconds]})
    except Refused as refused:
        return Answer({"refused": refused.trouble, "detail": refused.detail[:200]})
    except (MemoryError, RecursionError):
        return Answer({"refused": "too_hard", "detail": "memory"})
    except Exception as odd:  # bytes of strangers raise whatever the libraries have not thought of
        return Answer({"refused": "broken", "detail": f"{type(odd).__name__}: {odd}"[:200]})


def _limit(memory: int, seconds: float, clock: float, written: int) -> None:
    """Has the system end this process when it takes more than that."""
    for name, most in (
        (resource.RLIMIT_CPU, math.ceil(seconds)),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _set(name, most)
    if (taken := _address_space()) is not None:
        _set(resource.RLIMIT_AS, taken + SLACK + int(memory * (1 + SLACK_SHARE)))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, clock)


def _set(name: int, most: int) -> None:
    _soft, hard = resource.getrlimit(name)
    if hard == resource.RLIM_INFINITY or most <= hard:
        with contextlib.suppress(ValueError, OSError):  # a system may not know this limit
            resource.setrlimit(name, (most, hard if name == resource.RLIMIT_CPU else most))


def _address_space() -> int | None:
    """Bytes of address space taken now; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main(int(sys.argv[1]))
