"""One person sends hundreds of photos, large files and prompts; another asks for help and for the menu of a photo.

What the other one waits is measured in one run: while it is quiet, while the same flood goes to a group in which the
bot hears nothing, and while it goes to the bot. Sender, Telegram and bot share one machine here, and the sender is
faster than any phone; so only the step from unheard to heard is the bot's doing.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import aiohttp
import numpy as np
import psutil
from PIL import Image

from tests.e2e.chat import Message, Person, Silence, buttons
from tests.e2e.studio import Studio
from tests.hostile.report import Table
from tests.waiting import within

ANNA, ELSEWHERE = 1001, -700
PATIENCE = 60.0
QUIET_SECONDS = 9.0  # the outbox lets a chat have eight messages in eight seconds
MEGABYTE = 1_000_000
MOST_GROWTH = 300 * MEGABYTE
SLOWER = {"/help": 2.0, "menu": 3.0}
Flood = tuple[int, Callable[[], Awaitable[None]]]
STYLED = "--style " + "a " * 2000


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    photos: int
    files: int
    file_bytes: int
    prompts: int
    probes: int
    settings: dict[str, str]


FEW = {"PICTURES_WAITING_PER_PERSON": "5", "MESSAGES_WAITING_PER_PERSON": "4"}
SHORT = Size(photos=25, files=0, file_bytes=0, prompts=0, probes=2, settings=FEW)  # one of the floods
LONG = Size(photos=200, files=60, file_bytes=17 * MEGABYTE, prompts=500, probes=25, settings={})


@dataclass
class Meter:
    """Seconds that each probe took, by what went on beside it, also while the bot did not hear of that, and the largest
    size of the bot's process."""

    unheard: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    waits: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def attack(*, long: bool, seed: int) -> Table:
    """The waits of the other person, at the median and the 95th percentile. Takes half a minute, long some minutes."""
    size = LONG if long else SHORT
    meter = asyncio.run(_measured(size, np.random.default_rng(seed)))
    return _table(size, meter, ratios=long)


async def _measured(size: Size, random: np.random.Generator) -> Meter:
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        async with _playground() as url, aiohttp.ClientSession() as session:
            studio = Studio(url, Path(folder), size.settings)
            await studio.start()
            try:
                await studio.answering()
                anna = Person(session, url, ANNA, "en")
                elsewhere = Person(session, url, ANNA, "en", ELSEWHERE)
                await elsewhere.post("chat", {"chat": ELSEWHERE, "title": "Friends", "privacy": True})
                visitors = (Person(session, url, 5000 + number, "en") for number in itertools.count())
                await _probe(meter, meter.waits, "warming up", visitors, random)
                heard, unheard = (_floods(person, size, random) for person in (anna, elsewhere))
                for name in heard:
                    for _ in range(max(1, size.probes // 2)):
                        await _probe(meter, meter.waits, "quiet", visitors, random)
                    if size.files:
                        await _beside_unheard(meter, name, unheard[name], visitors, size, random)
                    await _under(meter, name, heard[name], studio, anna, visitors, size, random)
                _read_log(meter, studio)
            finally:
                await studio.stop()
    return meter


@asynccontextmanager
async def _playground() -> AsyncIterator[str]:
    """A Telegram in a process of its own, so that it is not what anybody waits for."""
    command = (sys.executable, "-m", "bot.playground", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().split()[-1].rstrip("/")
    finally:
        process.kill()
        await process.wait()


def _floods(anna: Person, size: Size, random: np.random.Generator) -> dict[str, Flood]:
    """What to do, by name, and how many messages it is; each returns when everything has been sent."""

    async def photos() -> None:
        for _ in range(size.photos):
            await _send(anna, _picture(random), "photo")

    async def files() -> None:
        for _ in range(size.files):
            await _send(anna, _padded(_picture(random), size.file_bytes), "document")

    async def prompts() -> None:
        for number in range(size.prompts):
            await anna.say(f"a red circle on blue, number {number}")

    async def styled() -> None:
        for _ in range(size.prompts * 2 // 5):
            await anna.say(STYLED)

    few = size.prompts * 2 // 5
    if not size.files:
        return {f"{size.photos} photos": (size.photos, photos)}
    return {
        f"{size.photos} photos": (size.photos, photos),
        f"{size.files} files of {size.file_bytes / MEGABYTE:.0f} MB": (size.files, files),
        f"{size.prompts} prompts": (size.prompts, prompts),
        f"{few} prompts of 2,000 words after --style": (few, styled),
    }


async def _beside_unheard(
    meter: Meter, name: str, flood: Flood, visitors: Iterator[Person], size: Size, random: np.random.Generator
) -> None:
    """Probes while the same is sent, again if need be, to where the bot hears nothing."""
    _sent, pour = flood
    flooding = asyncio.ensure_future(pour())
    for _ in range(size.probes):
        if flooding.done():
            flooding = asyncio.ensure_future(pour())
        await _probe(meter, meter.unheard, name, visitors, random)
    await flooding


async def _under(
    meter: Meter, name: str, flood: Flood, studio: Studio, anna: Person,
    visitors: Iterator[Person], size: Size, random: np.random.Generator,
) -> None:  # fmt: skip
    """Probes while a flood goes on, and until it has been dealt with."""
    assert studio.process is not None
    bot = psutil.Process(studio.process.pid)
    before = most = bot.memory_info().rss
    last = max((message["id"] for message in await anna.messages()), default=0)
    sent, pour = flood
    flooding = asyncio.ensure_future(pour())
    probes = 0
    while not flooding.done() or probes < size.probes:
        await _probe(meter, meter.waits, name, visitors, random)
        most = max(most, bot.memory_info().rss)
        probes += 1
    await flooding
    meter.memory[name] = (before, most)
    answers = await _calm(anna, last)
    meter.answers[name] = len(answers)
    told = [message for message in answers if (message["text"] or "").startswith(("📥", "✋"))]
    if not told and len(answers) < sent:
        meter.faults.append(f"{name}: {len(answers)} answers to {sent} messages, and nobody was told of the rest")
    if len(told) > 2:
        meter.faults.append(f"{name}: told {len(told)} times that not everything was taken")
    if most - before > MOST_GROWTH:
        meter.faults.append(f"{name}: the bot grew by {(most - before) / MEGABYTE:.0f} MB")


async def _calm(anna: Person, after: int) -> list[Message]:
    """What the bot has said to the flooder, once it says nothing more and nothing is being drawn."""
    deadline = time.monotonic() + 4 * PATIENCE
    seen: list[Message] = []
    while time.monotonic() < deadline:
        await asyncio.sleep(QUIET_SECONDS)
        now = [message for message in await anna.messages() if message["from"]["is_bot"]]
        if len(now) == len(seen):
            break
        seen = now
    return [message for message in seen if message["id"] > after]


async def _probe(
    meter: Meter,
    waits: dict[tuple[str, str], list[float]],
    beside: str,
    visitors: Iterator[Person],
    random: np.random.Generator,
) -> None:
    """Somebody new asks for help, then sends a photo; newcomers, because Telegram lets a chat have few messages."""
    boris = next(visitors)
    for probe in ("/help", "menu"):
        begun = time.perf_counter()
        try:
            if probe == "/help":
                await boris.say("/help")
                await _answer(boris, lambda message: bool(message["text"]))
            else:
                await _send(boris, _picture(random), "photo")
                await _answer(boris, lambda message: len(buttons(message)) > 3)
        except Silence:
            meter.faults.append(f"{beside}: {probe} was not answered in {PATIENCE:.0f} s")
        waits.setdefault((beside, probe), []).append(time.perf_counter() - begun)


async def _answer(person: Person, seen: Callable[[Message], bool]) -> None:
    async def answered() -> bool:
        return any(message["from"]["is_bot"] and seen(message) for message in await person.messages())

    if not await within(PATIENCE, answered):
        raise Silence


async def _send(person: Person, content: bytes, kind: str) -> None:
    form = aiohttp.FormData({"user": str(person.id), "chat": str(person.chat_id), "language": person.language})
    form.add_field(kind, content, filename="picture.jpg", content_type="image/jpeg")
    async with person.session.post(f"{person.url}/sim/message", data=form) as response:
        assert (await response.json())["ok"]


def _picture(random: np.random.Generator) -> bytes:
    """A JPEG of 1280 x 960 that nobody has sent before."""
    coarse = random.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((1280, 960), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _padded(jpeg: bytes, size: int) -> bytes:
    """The picture as a file of so many bytes: comments fill it up."""
    comment = b"\xff\xfe\xff\xff" + os.urandom(0xFFFD)
    return jpeg[:2] + comment * ((size - len(jpeg)) // len(comment)) + jpeg[2:]


def _read_log(meter: Meter, studio: Studio) -> None:
    lines = studio.log.read_text().splitlines()
    meter.faults += [f"the log says: {line[:160]}" for line in lines if " ERROR " in line or "not turned" in line][:5]


def _table(size: Size, meter: Meter, *, ratios: bool) -> Table:
    rows = []
    for beside, probe in meter.waits:
        if beside == "warming up":
            continue
        median, late = _percentiles(meter.waits[beside, probe])
        _median, quiet = _percentiles(meter.waits["quiet", probe])
        _median, unheard = _percentiles(meter.unheard.get((beside, probe), [quiet]))
        before, most = meter.memory.get(beside, (0, 0))
        rows.append(
            (
                beside,
                probe,
                len(meter.waits[beside, probe]),
                f"{median * 1000:.0f}",
                f"{late * 1000:.0f}",
                f"{late / quiet:.1f}",
                f"{late / unheard:.1f}",
                f"{(most - before) / MEGABYTE:.0f}" if beside in meter.memory else "",
                meter.answers.get(beside, ""),
            )
        )
        if ratios and late > SLOWER[probe] * unheard:
            meter.faults.append(f"{probe} under {beside}: p95 is {late / unheard:.1f} times that of the same unheard")
    columns = (
        "beside",
        "the other one's",
        "probes",
        "p50 ms",
        "p95 ms",
        "to quiet",
        "to unheard",
        "MB more",
        "answers",
    )
    return Table("One person floods, another asks", columns, rows, tuple(meter.faults))


def _percentiles(waits: list[float]) -> tuple[float, float]:
    """Seconds at the median and at the 95th percentile."""
    if len(waits) == 1:
        return waits[0], waits[0]
    cuts = quantiles(waits, n=20, method="inclusive")
    return cuts[9], cuts[18]
