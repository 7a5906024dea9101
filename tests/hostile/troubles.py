"""Disks, weights and clocks that fail under a running studio: what people read, what the owner gets, the way back.

The bot is the real program beside a playground. A full and a read-only disk are a mount of a few megabytes where this
process may mount; elsewhere those two rows say that they were not tried.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.playground import Playground, serve
from inference.queue.database import open_database
from inference.queue.ledger import Ledger
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message, Person, Silence, is_result
from tests.e2e.studio import ROOT, Studio
from tests.hostile.report import Table
from tests.inference.queue.jobs import accepted

OWNER = 9001
PATIENCE = 90.0
EMBEDDED = ROOT / "inference" / "nano" / "weights"
COLUMNS = ("trouble", "a person reads", "the owner gets", "afterwards", "tracebacks")


@dataclass
class Scene:
    """A studio, somebody who uses it, and what was found out."""

    studio: Studio
    playground: Playground
    anna: Person
    owner: Person
    faults: list[str] = field(default_factory=list)

    async def reads(self, person: Person, *words: str, after: int = 0, patience: float = PATIENCE) -> str:
        """Which of these words a person gets to read; a fault where it is none."""

        def seen(message: Message) -> bool:
            return any(word in (message["text"] or message["caption"] or "") for word in words)

        try:
            message = await person.until(seen, after=after, patience=patience)
        except Silence as silence:
            self.faults.append(f"nobody said {' or '.join(words)}: {silence}")
            return "NOTHING"
        text = message["text"] or message["caption"] or ""
        return next(word for word in words if word in text)

    async def asks(self, text: str = "a red circle") -> int:
        return int((await self.anna.say(text))["message"]["id"])

    async def draws(self, patience: float = PATIENCE) -> str:
        """Whether a request ends in pictures, asked again while it is refused."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            asked = await self.asks("a blue circle")
            with contextlib.suppress(Silence):
                await self.anna.until(is_result, after=asked, patience=10.0)
                return "draws"
        self.faults.append("it does not draw any more")
        return "DOES NOT DRAW"

    async def ends_by_itself(self) -> str:
        """A start that cannot succeed says why in its last line and ends with 2."""
        await self.studio.start()
        assert self.studio.process is not None
        status = await asyncio.wait_for(self.studio.process.wait(), PATIENCE)
        last = self.studio.log.read_text(errors="replace").strip().splitlines()[-1]
        if status != 2 or not last.startswith("DATABASE_URL"):
            self.faults.append(f"a start without a usable database ends with {status}: {last}")
        return f"exit {status}, {last[:80]}"

    def tracebacks(self) -> int:
        return self.studio.log.read_text(errors="replace").count("Traceback (most recent")


Scenario = Callable[[Path], Coroutine[Any, Any, tuple[tuple[object, ...], list[str]]]]


@asynccontextmanager
async def scene(folder: Path, **settings: str) -> AsyncIterator[Scene]:
    playground = await serve(port=0, strict=True)
    studio = Studio(playground.url, folder, {"ADMIN_IDS": str(OWNER), **settings})
    try:
        async with aiohttp.ClientSession() as session:
            anna, owner = (Person(session, playground.url, user, "en") for user in (1001, OWNER))
            await studio.start()
            await studio.answering()
            await owner.say("/help")
            yield Scene(studio, playground, anna, owner)
    finally:
        if studio.process is not None and studio.process.returncode is None:
            await studio.stop()
        await playground.close()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path | None]:
    """A file system of its own; None where this process may not mount one."""
    place = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    try:
        mounted = shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0
        yield place if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)
        place.rmdir()


async def half_written_weights(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    weights = folder / "weights"
    shutil.copytree(EMBEDDED, weights)
    victim = weights / "kandinsky3_flash.safetensors"
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    async with scene(folder / "studio", WEIGHTS_DIR=str(weights)) as it:
        await it.asks()
        read = await it.reads(it.anna, "engine does not start")
        told = await it.reads(it.owner, "kandinsky3_flash")
        victim.write_bytes(whole)
        after = await it.draws()
        return ("weights cut in half", read, told, after, it.tracebacks()), it.faults


async def full_disk(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    with small_disk(24) as disk:
        if disk is None:
            return ("disk full", "not tried: no mounts here", "", "", ""), []
        async with scene(folder, DATA_DIR=str(disk)) as it:
            await it.draws()
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            for number in range(60):  # what the write-ahead log has room for is still taken in
                asked = await it.asks(f"a red circle --seed {number}")
                if await _said(it.anna, asked, "disk is full"):
                    break
            read = await it.reads(it.anna, "disk is full", patience=20)
            told = await it.reads(it.owner, "does not let me write")
            filler.unlink()
            after = await it.draws()
            return ("disk full", read, told, after, it.tracebacks()), it.faults


async def read_only(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    """As a disk comes up after an error; one with open files cannot be made so."""
    with small_disk(48) as disk:
        if disk is None:
            return ("disk read-only", "not tried: no mounts here", "", "", ""), []
        async with scene(folder, DATA_DIR=str(disk)) as it:
            await it.draws()
            await it.studio.stop()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            told = await it.ends_by_itself()
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            await it.studio.start()
            after = await it.draws()
            return ("disk read-only at the start", "–", told, after, it.tracebacks()), it.faults


async def corrupt_database(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    async with scene(folder) as it:
        await it.draws()
        database = folder / "studio.db"
        size = database.stat().st_size
        with database.open("r+b") as file:
            file.seek(4096)
            file.write(bytes(range(256)) * ((size - 4096) // 256))
        (folder / "studio.db-wal").write_bytes(b"")
        await it.asks()
        read = await it.reads(it.anna, "cannot reach its records", "disk is full")
        told = await it.reads(it.owner, "does not answer as it should", "does not let me write")
        assert it.studio.process is not None
        it.studio.process.terminate()
        await it.studio.process.wait()
        after = await it.ends_by_itself()
        return ("database corrupt", read, told, f"next start: {after}", it.tracebacks()), it.faults


async def blobs_gone(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    async with scene(folder) as it:
        await it.draws()
        grid = await it.anna.until(is_result)
        shutil.rmtree(folder / "blobs")
        read = []
        for button, words in (("⬆ 1", "is gone"), ("Files", "are gone"), ("🔄 Again", "")):
            newest = (await it.anna.messages())[-1]["id"]
            await it.anna.press(await it.anna.message(grid["id"]), button)
            if words:
                read.append(await it.reads(it.anna, words, after=newest))
        after = await it.draws()
        return ("files deleted", ", ".join(read), "–", after, it.tracebacks()), it.faults


async def jumping_clock(folder: Path) -> tuple[tuple[object, ...], list[str]]:
    """In this process, whose clock can be set without anybody else's."""
    faults: list[str] = []
    patch, real = pytest.MonkeyPatch(), time.time
    playground = await serve(port=0, strict=True)
    house = House(playground, folder, patch)
    jumps = [0.0]
    patch.setattr(time, "time", lambda: real() + jumps[-1])
    drawn = 0
    try:
        async with aiohttp.ClientSession() as session:
            anna = Person(session, playground.url, 1001, "en")
            await house.open()
            for jump in (0.0, 3 * 86_400.0, -7 * 86_400.0, 10 * 365 * 86_400.0, 0.0):
                jumps.append(jump)
                drawn += is_result(await anna.draw("a red circle", patience=30.0))
            ledger = Ledger(open_database(f"sqlite+aiosqlite:///{folder}/studio.db"), clock=time.time)
            first = await accepted(ledger, update_id=777_777)
            jumps.append(5 * 86_400.0)
            again = await accepted(ledger, update_id=777_777)
            if again.id != first.id:
                faults.append("an update that came again after a jump of the clock has made a second job")
    except Silence as silence:
        faults.append(f"after a jump of the clock: {silence}")
    finally:
        await house.close()
        patch.undo()
        await playground.close()
    return ("clock jumps by days and years", f"{drawn} of 5 results", "–", "draws", 0), faults


async def _said(person: Person, after: int, words: str) -> bool:
    """Whether the next answer says so."""
    answer = await person.until(lambda message: True, after=after)
    return words in (answer["text"] or answer["caption"] or "")


SHORT: tuple[Scenario, ...] = (full_disk,)
LONG: tuple[Scenario, ...] = (*SHORT, blobs_gone, jumping_clock, half_written_weights, read_only, corrupt_database)
MOST_TRACEBACKS = 12  # a cause has one; every scenario meets a handful of causes


def attack(*, long: bool, seed: int, only: tuple[Scenario, ...] | None = None) -> Table:
    """One scenario after the other, each in a folder of its own. `seed` changes nothing: every trouble is itself."""
    rows, faults = [], []
    for scenario in only or (LONG if long else SHORT):
        with tempfile.TemporaryDirectory() as folder:
            row, found = asyncio.run(scenario(Path(folder)))
        rows.append(row)
        faults += [f"{row[0]}: {fault}" for fault in found]
        if isinstance(row[-1], int) and row[-1] > MOST_TRACEBACKS:
            faults.append(f"{row[0]}: {row[-1]} tracebacks in the log")
    return Table("Troubles", COLUMNS, rows, tuple(faults))
