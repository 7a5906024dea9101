"""How much memory may be taken for pictures now, and who takes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

MOST_AT_ONCE = 640_000_000
SHARE = 0.5  # of what is free: the engine and the database want some too
LAST_SHARE = 0.9  # of what is free that a single picture may take, however large
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


class NoRoom(Exception):
    """There is less memory free than this takes, and nobody to wait for."""


def available() -> int:
    """Bytes that can still be taken, by the machine and the control group; plenty where the system does not tell."""
    free = [_field("/proc/meminfo", "MemAvailable", unit=1024)]
    for most, taken, cached in _CGROUPS:
        limit, usage = _number(most), _number(taken)
        if limit is not None and usage is not None:
            free.append(limit - usage + (_field(str(Path(taken).parent / "memory.stat"), cached) or 0))
    return max(0, min((bytes_ for bytes_ in free if bytes_ is not None), default=1 << 40))


class Room:
    """State: the bytes taken now. First come, first served."""

    def __init__(self, most: int = MOST_AT_ONCE, free: Callable[[], int] = available) -> None:
        self._most = most
        self._free = free
        self._taken = 0
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Waits until so many bytes are free; one picture alone may have more than several together. Raises NoRoom."""
        async with self._turn:
            while not self._fits(size):
                if not self._taken:
                    raise NoRoom(size)
                self._given_back.clear()
                await self._given_back.wait()
            self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            self._given_back.set()

    def _fits(self, size: int) -> bool:
        if not self._taken:
            return size <= LAST_SHARE * self._free()
        return self._taken + size <= self._most and size <= SHARE * self._free()


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # "max" is no limit
        return None


def _field(path: str, name: str, unit: int = 1) -> int | None:
    try:
        found = re.search(rf"^{name}:?\s+(\d+)", Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * unit if found else None
