"""Room for what people send: so much of each, so much in all, and never the last of the disk.

Where there is none left, what nothing refers to goes first, the oldest of it; what somebody may still need stays, and
the newcomer is refused before a byte of it is fetched.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.store import Leftovers
from bot.texts.errors import ToldError
from bot.texts.i18n import _
from bot.texts.units import unbroken
from inference.blobs import BlobStore

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
FRESH_SECONDS = 3600.0  # what has just been sent may be about to be used
FUTILE_SECONDS = 60.0  # where nothing could go, nobody looks again for so long
GOING_AT_ONCE = 20

Lack = Literal["person", "studio", "disk"]


class NoRoom(ToldError):
    """What somebody sends does not fit any more. `lack` says whose room is full, `limit` is in bytes."""

    def __init__(self, lack: Lack, limit: int) -> None:
        super().__init__(f"{lack}: {limit}")
        self.lack: Lack = lack
        self.limit = limit

    def told(self) -> str:
        if self.lack == "person":
            text = _(
                "Your photos fill all the room that one person has here, {mb} MB, and all of them are in use. "
                "What you have made stays. For more room, ask the owner of this studio."
            ).format(mb=self.limit // MEGABYTE)
            return unbroken(text)
        return _(
            "The studio has no room for new photos at the moment, not your fault. Drawing from words works as "
            "ever; please send the photo again later, or tell the owner."
        )


@dataclass(frozen=True)
class Allowance:
    """Bytes of one person, of all of them, and those of the disk that stay free."""

    person: int
    studio: int
    disk: int


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk under a folder."""
    return shutil.disk_usage(folder).free


class Room:
    """State: for whom it was looked in vain a moment ago."""

    def __init__(
        self,
        leftovers: Leftovers,
        blobs: BlobStore,
        allowance: Allowance,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._leftovers = leftovers
        self._blobs = blobs
        self._allowance = allowance
        self._folder = folder
        self._clock = clock
        self._free = free
        self._clearing = asyncio.Lock()
        self._futile: dict[int | None, float] = {}

    async def make(self, owner_id: int, size: int) -> None:
        """Returns when `size` more bytes of this person may be kept. Raises NoRoom."""
        allowed = self._allowance
        lacks: tuple[tuple[Lack, int | None, int], ...] = (
            ("person", owner_id, allowed.person),
            ("studio", None, allowed.studio),
            ("disk", None, allowed.disk),
        )
        for lack, whose, limit in lacks:
            if await self._lacking(lack, owner_id, size) > 0 and not await self._cleared(lack, owner_id, whose, size):
                log.warning("no room for %d bytes of person %d: %s", size, owner_id, lack)
                raise NoRoom(lack, limit)

    async def measure(self) -> None:
        """Writes down the sizes of what was stored before sizes were."""
        while unmeasured := await self._leftovers.unmeasured(limit=500):
            sizes = await asyncio.to_thread(lambda found: {blob: self._blobs.size(blob) for blob in found}, unmeasured)
            await self._leftovers.measured(sizes)

    async def _lacking(self, lack: Lack, owner_id: int, size: int) -> int:
        """How many bytes too much `size` more would be."""
        if lack == "disk":
            return self._allowance.disk + size - await asyncio.to_thread(self._free, self._folder)
        if lack == "person":
            return await self._leftovers.bytes_kept(owner_id) + size - self._allowance.person
        return await self._leftovers.bytes_kept() + size - self._allowance.studio

    async def _cleared(self, lack: Lack, owner_id: int, whose: int | None, size: int) -> bool:
        """Lets go of what nobody needs, the oldest first, until there is room. Whether there is."""
        async with self._clearing:
            while await self._lacking(lack, owner_id, size) > 0:
                now = self._clock()
                self._futile = {who: until for who, until in self._futile.items() if until > now}
                if whose in self._futile:
                    return False
                if not await self._let_go(whose, now - FRESH_SECONDS):
                    self._futile[whose] = now + FUTILE_SECONDS
                    return False
        return True

    async def _let_go(self, whose: int | None, before: float) -> int:
        """Forgets a few of the oldest uploads that nothing refers to; returns how many."""
        count = 0
        for upload_id, blob in await self._leftovers.unneeded(whose, before, limit=GOING_AT_ONCE):
            gone, free = await self._leftovers.let_go(upload_id, blob)
            count += gone
            if free:
                await asyncio.to_thread(self._delete, blob, before)
        log.info("%d uploads that nothing used made room", count)
        return count

    def _delete(self, blob: str, before: float) -> None:
        """Deletes a file, unless the same bytes have just come anew and are about to be written down."""
        stored = self._blobs.stored_at(blob)
        if stored is not None and stored < before:
            self._blobs.delete(blob)
