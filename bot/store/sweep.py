"""Deletes the photos, masks and painted copies that nothing refers to any more, once they are old.

A file goes a sweep later than the last word of it, so that nobody who is just beginning with it loses it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection

from bot.store import Leftovers
from inference.blobs import BlobStore

log = logging.getLogger(__name__)

DAY = 86_400.0
FIRST_PAUSE = 600.0  # a start has other things to do


async def sweep_daily(leftovers: Leftovers, blobs: BlobStore, days: int) -> None:
    """Sweeps until it is cancelled."""
    await asyncio.sleep(FIRST_PAUSE)
    while True:
        try:
            count = await sweep(leftovers, blobs, time.time() - days * DAY)
            log.info("%d files that nothing used any more are deleted", count)
        except Exception:
            log.exception("unused files could not be looked for; the next try is tomorrow")
        await asyncio.sleep(DAY)


async def sweep(leftovers: Leftovers, blobs: BlobStore, before: float) -> int:
    """Deletes files stored before then that nothing refers to, and lets go of what was sent or begun before then and
    never used, whose files are for the next sweep. Returns how many files are gone."""
    in_use = await leftovers.blobs_in_use()
    count = await asyncio.to_thread(_delete_unused, blobs, in_use, before)
    await leftovers.forget(before)
    return count


def _delete_unused(blobs: BlobStore, in_use: Collection[str], before: float) -> int:
    unused = (digest for digest in blobs.stored_before(before) if digest not in in_use)
    count = 0
    for digest in unused:
        blobs.delete(digest)
        count += 1
    return count
