"""Everything that is done with pictures of strangers, each in a process of its own that may be killed.

Small pictures, which most are, have places of their own, so that none of them waits for a large one; large ones take
turns as memory is free. A process that takes more memory, processor time or time than its picture is worth is ended
by the system, and only the person whose picture that was is told.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from bot.imaging.alignment import AnotherPicture, Cropped, MaskError, Rotated, Shifted
from bot.imaging.decoding import TROUBLES, PictureRefused, Trouble
from bot.imaging.masks import EverythingPainted, NothingPainted
from bot.imaging.memory import NoRoom, Room
from bot.imaging.nursery import Died, Nursery, TooMuchSaid
from bot.imaging.weighing import Weight
from inference.blobs import BlobMissing, BlobStore
from inference.requests import Recipe, Source

log = logging.getLogger(__name__)

QUICK = Weight(48_000_000, 3.0)  # what may be asked for at first: enough for 6 megapixels
QUICK_SECONDS = 0.35  # of the processor; what takes longer goes on among the large ones, out of everybody's way
QUICK_PLACES = 6
THUMBNAIL_SIDE = 1024  # of the longer side: squares are cut out of the middle
LARGE_PLACES = 3
KNOWN_PLACES = 2  # for work with pictures that were checked before: it waits for no picture that was not
KNOWN_MEMORY = 300_000_000
CLOCK = 5.0  # seconds by the clock for one of the processor, for it is not alone
MOST_WRITTEN = 400_000_000  # bytes of a file that was written anew
MOST_ANSWERED = 60_000_000
_MASK_ERRORS: tuple[type[MaskError], ...] = (
    *(AnotherPicture, Cropped, Rotated, Shifted),
    *(EverythingPainted, NothingPainted),
)
_TOO_SLOW = (-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGALRM)


class _TooSlow(Exception):
    """A process was ended because its time was over."""


@dataclass(frozen=True)
class Checked:
    """A file that was decoded once: upright width and height, and whether it is the first of several frames.
    `rewritten` is the same picture as a PNG, which is what to keep, for formats that are not decoded anywhere else."""

    format: str
    width: int
    height: int
    moving: bool = False
    rewritten: Path | None = None


@dataclass(frozen=True)
class Kept:
    """A file that was checked and stored, and whether it is the first of several frames."""

    source: Source
    moving: bool


@dataclass(frozen=True)
class Marked:
    """A mask as PNG, and the picture that shows it as JPEG."""

    png: bytes
    shown: bytes


class NoCutOut(Exception):
    """A file cannot be a mask: `why` is "size", "nothing" or "all" (`deeds.cut_out`), `detail` its size."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why = why
        self.detail = detail


class Decoder:
    """State: the process that makes processes, who has a place and how much memory, a folder for what is on its way,
    where a killed bot leaves it behind as `*.part`.

    All of its methods raise PictureRefused; those that take digests raise BlobMissing.
    """

    def __init__(
        self, blobs: BlobStore, folder: Path, *, room: Room | None = None, nursery: Nursery | None = None
    ) -> None:
        self._blobs = blobs
        self._nursery = nursery or Nursery()
        self._quick = asyncio.Semaphore(QUICK_PLACES)
        self._large = (asyncio.Semaphore(LARGE_PLACES), room or Room())
        self._known = (asyncio.Semaphore(KNOWN_PLACES), Room(KNOWN_MEMORY))
        self._folder = folder

    @property
    def pid(self) -> int | None:
        """The process whose children do the work; None until there was some."""
        return self._nursery.pid

    async def warm_up(self) -> None:
        """Spares the first person the start of a process."""
        try:
            await self._nursery.start()
        except OSError as error:
            log.warning("no process for pictures: %s", error)

    async def close(self) -> None:
        await self._nursery.close()

    async def kept(self, file: Path | bytes) -> Kept:
        """Checks a file and stores it as it came, or as the PNG that was made of it."""
        async with self._on_disk(file) as path:
            checked = await self.check(path)
            source = checked.rewritten or path
            try:
                stored = await asyncio.to_thread(_put, self._blobs, source)
            finally:
                if checked.rewritten is not None:
                    checked.rewritten.unlink(missing_ok=True)
        return Kept(Source(blob=stored, width=checked.width, height=checked.height), checked.moving)

    async def check(self, file: Path | bytes) -> Checked:
        """What a file is that was decoded once from beginning to end. `rewritten` is for the caller to delete."""
        into = self._scratch()
        async with self._on_disk(file) as path:
            try:
                facts, _parts = await self._done("check", [path], into=into)
            except BaseException:
                into.unlink(missing_ok=True)
                raise
        kept = into if facts["rewritten"] else None
        return Checked(facts["format"], facts["width"], facts["height"], facts["moving"], kept)

    async def reduced(self, digest: str, side: int) -> bytes:
        """A stored picture, upright, its longer side at most `side`, in a file that this process can open without
        harm: a PPM, whose pixels alone are somebody else's."""
        async with self._stored(digest) as path:
            facts, parts = await self._done("reduce", [path], {"side": side})
        width, height = int(facts["width"]), int(facts["height"])
        if [len(part) for part in parts] != [3 * width * height]:
            raise PictureRefused("broken", "not as many pixels as were announced")
        return b"P6 %d %d 255\n" % (width, height) + parts[0]

    async def thumbnails(self, digests: Sequence[str]) -> list[bytes | None]:
        """Stored pictures as `reduced` gives them, small; None for those that are gone or cannot be opened now."""

        async def one(digest: str) -> bytes | None:
            try:
                return await self.reduced(digest, THUMBNAIL_SIDE)
            except (BlobMissing, PictureRefused):
                return None

        return list(await asyncio.gather(*map(one, digests)))

    async def recovered(self, original: Source, copy: str, *, explain: bool = True) -> bytes:
        """The mask, as PNG, of what was painted over one stored picture in another. Raises MaskError besides; what has
        happened to a copy is found out, which takes longer, where somebody is to `explain` it."""
        arguments = {"size": [original.width, original.height], "explain": explain}
        async with self._stored(original.blob) as first, self._stored(copy) as second:
            facts, parts = await self._done("recover", [first, second], arguments)
        if "mask" in facts:
            raise next((kind for kind in _MASK_ERRORS if kind.__name__ == facts["mask"]), AnotherPicture)()
        return parts[0]

    async def signature(self, digest: str) -> bytes:
        """What a stored picture is compared with others by, quickly: `signature`."""
        async with self._stored(digest) as path:
            _facts, parts = await self._done("sign", [path])
        return parts[0]

    async def marked(
        self, source: Source, *, painted: str | None, grid: int, cells: Collection[int], growth: float
    ) -> Marked | None:
        """An area of a stored picture, painted (the digest of a mask) or of cells, larger by a share of the shorter
        side; None where nothing is left of it, or nothing of the picture."""
        arguments = {"size": [source.width, source.height], "grid": grid, "cells": list(cells), "growth": growth}
        async with self._stored(source.blob) as picture, self._maybe_stored(painted) as mask:
            _facts, parts = await self._done("mark", [picture, *mask], arguments)
        return Marked(*parts) if parts else None

    async def cut_out(self, file: Path | bytes, size: tuple[int, int]) -> bytes:
        """The mask, as PNG, of what is transparent in a file over a picture of this width and height: white where it
        is. Raises NoCutOut besides."""
        async with self._on_disk(file) as path:
            facts, parts = await self._done("cut_out", [path], {"size": list(size)})
        if not parts:
            raise NoCutOut(str(facts.get("mask")), str(facts.get("detail", "")))
        return parts[0]

    async def encoded(self, digest: str, kind: Literal["jpeg", "webp"], quality: int) -> bytes:
        """A stored picture in a smaller format, without its recipe; `quality` is from 1 to 100."""
        async with self._stored(digest) as path:
            _facts, parts = await self._done("encode", [path], {"format": kind, "quality": quality})
        return parts[0]

    async def recipe(self, file: Path | bytes) -> Recipe | None:
        """The recipe inside a PNG, None where there is none or the file is none."""
        async with self._on_disk(file) as path:
            try:
                _facts, parts = await self._done("recipe", [path])
                return Recipe.model_validate_json(parts[0]) if parts else None
            except (PictureRefused, ValidationError):
                return None

    # Inside

    async def _done(
        self, deed: str, files: Sequence[Path], arguments: dict[str, Any] | None = None, into: Path | None = None
    ) -> tuple[dict[str, Any], list[bytes]]:
        request = {
            "deed": deed,
            "files": [str(file) for file in files],
            "into": str(into) if into is not None else None,
            "arguments": arguments or {},
            "written": MOST_WRITTEN,
        }
        try:
            async with self._quick:
                facts, parts = await self._tried(request, QUICK, QUICK_SECONDS)
        except _TooSlow:
            facts = {"heavier": [QUICK.memory, QUICK.seconds]}
        if "heavier" in facts:
            weight = Weight(*facts["heavier"])
            places, room = self._large if deed in ("check", "cut_out") else self._known
            try:
                async with places, room.taken(weight.memory):
                    facts, parts = await self._tried(request, weight, weight.seconds)
            except NoRoom as none:
                raise PictureRefused("no_memory") from none
            except _TooSlow as slow:
                raise PictureRefused("too_hard", "time") from slow
        if "refused" in facts:
            log.debug("a picture was refused: %s", ascii(facts)[:300])
            raise PictureRefused(_trouble(facts["refused"]), str(facts.get("detail", "")))
        if "heavier" in facts:
            raise PictureRefused("too_hard", "asks for more each time")
        return facts, parts

    async def _tried(
        self, request: dict[str, Any], granted: Weight, seconds: float
    ) -> tuple[dict[str, Any], list[bytes]]:
        clock = CLOCK + CLOCK * seconds
        grant = {"memory": granted.memory, "seconds": granted.seconds, "most_seconds": seconds, "clock": clock}
        asked = {**request, **grant}
        try:
            return await self._nursery.ask(asked, clock + CLOCK, MOST_ANSWERED)
        except Died as died:
            log.info("the process of a picture ended with status %s", died.status)
            if died.status in _TOO_SLOW:
                raise _TooSlow from died
            gone = died.status is None or died.status == -signal.SIGKILL  # by whom, if not for want of memory?
            raise PictureRefused("no_memory" if gone else "broken", f"status {died.status}") from died
        except TimeoutError as late:
            raise _TooSlow from late
        except TooMuchSaid as beyond:
            raise PictureRefused("too_hard", "too much came of it") from beyond
        except OSError as none:
            log.error("no process for a picture: %s", none)
            raise PictureRefused("no_memory") from none

    @asynccontextmanager
    async def _on_disk(self, file: Path | bytes) -> AsyncIterator[Path]:
        if isinstance(file, Path):
            yield file
            return
        path = self._scratch()
        try:
            await asyncio.to_thread(path.write_bytes, file)
            yield path
        finally:
            path.unlink(missing_ok=True)

    @asynccontextmanager
    async def _stored(self, digest: str) -> AsyncIterator[Path]:
        """Where a blob lies, or a copy of it where the store is elsewhere."""
        here = await asyncio.to_thread(self._blobs.path, digest)
        file = here if here is not None else await asyncio.to_thread(self._blobs.get, digest)
        async with self._on_disk(file) as path:
            yield path

    @asynccontextmanager
    async def _maybe_stored(self, digest: str | None) -> AsyncIterator[list[Path]]:
        if digest is None:
            yield []
            return
        async with self._stored(digest) as path:
            yield [path]

    def _scratch(self) -> Path:
        """A name of its own, by which the next start knows that it may go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{secrets.token_hex(16)}.part"


def _put(blobs: BlobStore, path: Path) -> str:
    with path.open("rb") as file:
        return blobs.write(lambda stored: shutil.copyfileobj(file, stored)).digest


def _trouble(name: str) -> Trouble:
    return next((trouble for trouble in TROUBLES if trouble == name), "broken")
