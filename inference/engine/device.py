"""What a device is asked for besides arithmetic: which one is meant, how exactly it rounds, whether it can still be
trusted, how long it took, and copies to it."""

from __future__ import annotations

import errno
import logging
import os
import re
import resource
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

STAGED_BYTES = 32 * 2**20  # of each of two buffers: enough for a bus to be busy
LEAST_STAGED = 2**20

log = logging.getLogger(__name__)

# Allocators that raise no type of their own: torch's on the CPU and on an Apple GPU; the driver, when it has no room
# for a kernel; and NVIDIA's and AMD's libraries, which then also say "not initialized" or find no algorithm.
_NO_ROOM = re.compile(
    r"can't allocate memory|MPS backend out of memory|(?:CUDA|HIP) error: out of memory|hipErrorOutOfMemory"
    r"|_STATUS_(?:ALLOC_FAILED|NOT_INITIALIZED)|[Uu]nable to find (?:an engine|a valid cuDNN algorithm)"
)


def prepare(device: torch.device) -> None:
    """Makes `device` the one that CUDA's calls mean where they name none, and its float32 convolutions exact.

    By default cuDNN leaves out 13 of a mantissa's 23 bits (TF32). All that convolves in float32 here does so in order
    to be exact: MoVQ, HED, CLIP, and the last layer of every U-Net.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.allow_tf32 = False


def synchronize(device: torch.device) -> None:
    """Waits until `device` has done everything it was told. Raises torch.AcceleratorError where a fault came of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def memory_of(device: torch.device) -> tuple[int, int]:
    """Bytes of `device` that are in use, by whatever program, and all that it has. Of the CPU: those of this process,
    and the machine's."""
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info(device)
        return whole - free, whole
    if device.type == "mps":
        return torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, LookupError, ValueError):  # a system without it tells the most there has been, on macOS in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, page * os.sysconf("SC_PHYS_PAGES")
    return page * pages, page * os.sysconf("SC_PHYS_PAGES")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was short, on the device or in RAM: with less at a time it may go."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and _NO_ROOM.search(str(error)) is not None


def raise_if_lost(device: torch.device, error: Exception) -> None:
    """Raises torch.AcceleratorError when `device` cannot be trusted after `error`; the process has to end then.

    A fault such as an illegal access stays: every later call fails by it. Whoever meets it first gives it a name of its
    own (cuBLAS and cuDNN raise a plain RuntimeError), so the device is asked.
    """
    if isinstance(error, torch.AcceleratorError) and not out_of_memory(error):
        raise error
    try:
        synchronize(device)
    except torch.AcceleratorError as fault:
        if not out_of_memory(fault):
            raise


class Stopwatch(Protocol):
    """Times what a device does, not what the host waits for."""

    def now(self) -> Any:
        """A moment in the device's work: behind everything it has been told so far. Nobody waits."""

    def between(self, start: Any, end: Any) -> float:
        """Seconds from one moment to a later one; waits until that has come."""


class HostStopwatch:
    """For the CPU, which has done what it was told when the call returns."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    def between(self, start: float, end: float) -> float:
        return end - start


class EventStopwatch:
    """For devices that work while the host goes on: by events in their stream of work. `event` is the class of them."""

    def __init__(self, event: Callable[..., Any]) -> None:
        self._event = event

    def now(self) -> Any:
        moment = self._event(enable_timing=True)
        moment.record()
        return moment

    def between(self, start: Any, end: Any) -> float:
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000


def stopwatch(device: torch.device, clock: Callable[[], float]) -> Stopwatch:
    """The one for `device`; `clock` gives the host's time in seconds."""
    if device.type == "cuda":
        return EventStopwatch(torch.cuda.Event)
    return EventStopwatch(torch.mps.Event) if device.type == "mps" else HostStopwatch(clock)


class Staging:
    """Copies from RAM to a GPU at the speed of the bus.

    A GPU reads pageable memory through small buffers of its driver, slower than page-locked memory. Locking whole nets
    would take their RAM from everything else, so there are two locked buffers, of which one is filled while the other
    one is read. Where none can be locked copies are plain.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: Iterator[tuple[Tensor, Any]] | None = None  # each with the event of its last reading
        self._lockable = True

    def to_device(self, source: Tensor) -> Tensor:
        """A copy of `source` on the device. It may still be on its way; what the device does next comes after it."""
        staged = self._device.type == "cuda" and source.nbytes >= LEAST_STAGED and source.is_contiguous()
        buffers = self._locked() if staged else None
        if buffers is None:
            return source.detach().to(self._device, non_blocking=True)
        made = torch.empty_like(source, device=self._device)
        pieces = (torch.split(one.detach().view(-1).view(torch.uint8), STAGED_BYTES) for one in (source, made))
        for piece, goal in zip(*pieces, strict=True):
            buffer, was_read = next(buffers)
            was_read.synchronize()
            part = buffer[: len(piece)].copy_(piece)
            goal.copy_(part, non_blocking=True)
            was_read.record()
        return made

    def _locked(self) -> Iterator[tuple[Tensor, Any]] | None:
        """The buffers in turn, made when they are first wanted; None where there can be none."""
        if self._buffers is None and self._lockable:
            new_event: Callable[[], Any] = torch.cuda.Event
            try:
                pair = [torch.empty(STAGED_BYTES, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                log.warning("no RAM can be locked (%s); nets move at the speed of pageable memory", error)
                self._lockable = False
            else:
                self._buffers = cycle([(buffer, new_event()) for buffer in pair])
        return self._buffers
