"""What a machine has found out about its own speed, in a file that outlives the process, and on what that rests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, ValidationError

from inference.engine.nets import NetSpec
from inference.queue.timings import MOST_KINDS, KindName, Timing, Timings
from inference.requests import Contract

MOST_BYTES = 256 * 1024
MOST_BASES = 8  # the last to have been used
MOST_TRIES = 3  # of a kind whose timing has not come to its end: the device may not survive it
MOST_FATAL = 2  # kinds of which that is so, before none is timed any more
_DRIVER = Path("/proc/driver/nvidia/version")
_CPU = Path("/proc/cpuinfo")

log = logging.getLogger(__name__)


class _Basis(Contract):
    timings: Timings
    tries: Annotated[dict[KindName, Annotated[int, Field(ge=0, le=1000)]], Field(max_length=MOST_KINDS)]


class _File(Contract):
    bases: Annotated[tuple[_Basis, ...], Field(max_length=MOST_BASES)] = ()  # the last used last


class KeptTimings:
    """The timings of one basis among those of a file.

    A file that is missing, too large or no such file counts as empty. Where none can be written what is found out is
    known as long as the process lives. What another process on this basis finds out meanwhile is taken over. `close`
    may be called by any thread, the others by one.
    """

    def __init__(self, path: Path, basis: str) -> None:
        self._path = path
        known = next((one for one in _read(path).bases if one.timings.basis == basis), None)
        self._timings = known.timings if known is not None else Timings(basis=basis, kinds={})
        self._tries = dict(known.tries) if known is not None else {}
        self._begun: str | None = None
        self._closed = False
        self._keeping = threading.Lock()

    @property
    def timings(self) -> Timings:
        """What is known."""
        return self._timings

    def begin(self, kind: str) -> bool:
        """Notes that a kind is going to be timed, before it is. False where that, or that of several others, has never
        come to an end, or another process has timed it meanwhile."""
        fatal = [other for other, tries in self._tries.items() if tries >= MOST_TRIES]
        if kind in fatal or len(fatal) >= MOST_FATAL:
            return False
        with self._changing():
            self._tries[kind] = self._tries.get(kind, 0) + 1
            self._begun = kind
        return kind not in self._timings.kinds

    def cut_off(self, kind: str) -> None:
        """Its timing was given up for something better: that was no try."""
        with self._changing():
            self._count_no_try(kind)

    def give_up(self) -> None:
        """The kind that was begun has failed, and the process has survived it: that stays a try."""
        self._begun = None

    def learn(self, kind: str, timing: Timing) -> None:
        """Takes in how fast a kind is."""
        with self._changing():
            self._timings = Timings(basis=self._timings.basis, kinds={**self._timings.kinds, kind: timing})
            self._begun = None

    def close(self) -> None:
        """The process is about to be ended: what it is at is no try of it. Nothing is kept from now on."""
        with self._changing():
            if self._begun is not None:
                self._count_no_try(self._begun)
        self._closed = True

    def _count_no_try(self, kind: str) -> None:
        self._tries[kind] = max(0, self._tries.get(kind, 0) - 1)
        self._begun = None

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._keeping:
            yield
            if not self._closed:
                self._keep()

    def _keep(self) -> None:
        """Writes the file anew, what other processes have put into it included: whole, or not at all."""
        bases = _read(self._path).bases
        others = [one for one in bases if one.timings.basis != self._timings.basis]
        self._take_over(one for one in bases if one.timings.basis == self._timings.basis)
        own = _Basis(timings=self._timings, tries=self._tries)
        content = _File(bases=(*others[1 - MOST_BASES :], own)).model_dump_json().encode()
        partial = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(partial, flags, 0o600), "wb") as file:  # noqa: PTH123
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as refused:
            log.warning("how fast this machine is cannot be kept: %s", refused)
            with contextlib.suppress(OSError):
                partial.unlink()

    def _take_over(self, written: Iterable[_Basis]) -> None:
        """What others on this basis have found out, ours first."""
        kinds, tries = self._timings.kinds, self._tries
        for twin in written:
            kinds, tries = {**twin.timings.kinds, **kinds}, {**twin.tries, **tries}
        self._timings = Timings(basis=self._timings.basis, kinds=dict(list(kinds.items())[-MOST_KINDS:]))
        open_tries = [(kind, times) for kind, times in tries.items() if kind not in kinds]
        self._tries = dict(open_tries[-MOST_KINDS:])


def _read(path: Path) -> _File:
    """What a file holds; nothing where it is none of ours."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("not a regular file")
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise OSError(f"larger than {MOST_BYTES} bytes")
        return _File.model_validate_json(content)
    except FileNotFoundError:
        return _File()
    except (OSError, ValidationError) as refused:
        log.warning("%s is not read, this machine times itself anew: %s", path, str(refused).splitlines()[0])
        return _File()


def basis_of(
    device: torch.device, nets: Iterable[NetSpec], revisions: Mapping[str, str], code: str, smaller: int
) -> str:
    """A name for all that a timing rests on: processor or card, driver, torch, threads, this program, the weights with
    their number formats, and how much smaller than real pictures the timed ones are. 64 hex digits."""
    parts = (
        [code, torch.__version__, str(torch.version.cuda), str(torch.version.hip), _driver()],
        [platform.machine(), _processor(), os.cpu_count(), torch.get_num_threads(), *_card(device), smaller],
        sorted((net.name, net.bytes, str(net.dtype), str(net.device)) for net in nets),
        sorted(revisions.items()),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _card(device: torch.device) -> list[object]:
    """The device by its make; two of one make are alike."""
    if device.type != "cuda":
        return [device.type]
    card = torch.cuda.get_device_properties(device)
    return [device.type, card.name, card.total_memory, card.major, card.minor]


def _driver() -> str:
    return _beginning(_DRIVER)[:300]


def _processor() -> str:
    models = [line.partition(":")[2].strip() for line in _beginning(_CPU).splitlines() if "model name" in line]
    return models[0] if models else platform.processor()


def _beginning(path: Path) -> str:
    """The first kilobytes of a text of the system, "" where it has none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as text:
            return text.read(4096)
    except OSError:
        return ""
