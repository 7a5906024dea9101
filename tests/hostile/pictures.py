"""Pictures that nobody should send: bombs, the largest there may be ten at a time, and files with something broken."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from PIL import Image

from bot.imaging.decoder import Decoder
from bot.imaging.decoding import PictureRefused
from inference.blobs import BlobStore, UnreadablePicture, decode_picture
from tests.hostile.bombs import BOMBS, SIDE, bmp_of_nothing, repeated_scans, saved, webp
from tests.hostile.report import Table

CORPUS = Path(__file__).parent / "corpus"
MUTATED = {False: 100, True: 10_000}
MOST_DELAY = 2.0  # seconds
MOST_MEMORY = 1_000  # MB
MOST_BOMB_SECONDS = 20.0
AT_ONCE = 6


def attack(*, long: bool, seed: int) -> Table:
    """Bombs, delays, memory and mutations. The short run leaves out what takes a gigabyte, and delays: it runs beside
    other tests, and could judge no times."""
    return asyncio.run(_attack(long=long, seed=seed))


async def _attack(*, long: bool, seed: int) -> Table:
    rows: list[tuple[object, ...]] = []
    faults: list[str] = []
    async with decoder() as pictures:
        await _bombs(pictures, long, rows, faults)
        if long:
            await _delay(pictures, rows, faults)
            await _ten_at_once(pictures, rows, faults)
        await _mutations(pictures, MUTATED[long], seed, rows, faults)
    return Table("Pictures", ("what", "came of it", "seconds", "MB"), rows, tuple(faults))


@asynccontextmanager
async def decoder() -> AsyncIterator[Decoder]:
    with tempfile.TemporaryDirectory() as folder:
        pictures = Decoder(BlobStore(folder), Path(folder) / "incoming")
        await pictures.warm_up()
        try:
            yield pictures
        finally:
            await pictures.close()


async def verdict(pictures: Decoder, content: bytes) -> str:
    """What the bot would make of a file."""
    try:
        checked = await pictures.check(content)
    except PictureRefused as refused:
        return refused.trouble
    if checked.rewritten is not None:
        checked.rewritten.unlink()
    return "read"


async def timed(work: Awaitable[str]) -> tuple[str, float]:
    begin = time.monotonic()
    return await work, time.monotonic() - begin


async def _bombs(pictures: Decoder, long: bool, rows: list[tuple[object, ...]], faults: list[str]) -> None:
    for name, build in BOMBS.items():
        content = await asyncio.to_thread(build)
        with watched(pictures) as peak:
            came, seconds = await timed(verdict(pictures, content))
        rows.append((f"{name}, {len(content) / 1000:,.0f} kB", came, f"{seconds:.2f}", f"{peak():.0f}"))
        if long and seconds > MOST_BOMB_SECONDS:
            faults.append(f"{name} took {seconds:.0f} s")


async def _delay(pictures: Decoder, rows: list[tuple[object, ...]], faults: list[str]) -> None:
    """How much longer another person's photo takes while somebody sends the worst there is."""
    photo = saved(photograph(1280, 960), "JPEG", quality=90)
    quiet = min([(await timed(verdict(pictures, photo)))[1] for _ in range(3)])
    within = await asyncio.to_thread(lambda: repeated_scans(scans=50))  # as many as are still let in
    slow = await asyncio.to_thread(bmp_of_nothing)
    for name, content, count in (
        ("JPEGs of 300 scans", repeated_scans(), 2),
        ("JPEGs of 59 scans", within, 6),
        ("small BMPs that take long", slow, 6),
    ):
        attackers = [asyncio.create_task(verdict(pictures, content)) for _ in range(count)]
        await asyncio.sleep(0.2)  # the attackers are first
        _, beside = await timed(verdict(pictures, photo))
        for attacker in attackers:
            attacker.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)
        rows.append((f"a photo beside {count} {name}", f"alone {quiet:.2f} s", f"{beside:.2f}", ""))
        if beside - quiet > MOST_DELAY:
            faults.append(f"{name} delayed somebody's photo by {beside - quiet:.1f} s")


async def _ten_at_once(pictures: Decoder, rows: list[tuple[object, ...]], faults: list[str]) -> None:
    large = Image.radial_gradient("L").resize((SIDE, SIDE)).convert("RGB")
    files = {
        "JPEG": saved(large, "JPEG", quality=90),
        "progressive JPEG": saved(large, "JPEG", quality=90, progressive=True, subsampling=0),
        "PNG": saved(large, "PNG", compress_level=1),
        "PNG with transparency": saved(large.convert("RGBA"), "PNG", compress_level=1),
        "WebP": webp(),
    }
    del large
    sets = {f"ten {name} of 64 megapixels": [content] * 10 for name, content in files.items()}
    sets["two of each at once"] = [content for content in files.values() for _ in range(2)]
    for name, contents in sets.items():
        with watched(pictures) as peak:
            begin = time.monotonic()
            came = Counter(await asyncio.gather(*(verdict(pictures, content) for content in contents)))
            seconds = time.monotonic() - begin
        rows.append((name, told(came), f"{seconds:.1f}", f"{peak():.0f}"))
        if peak() > MOST_MEMORY:
            faults.append(f"{name} took {peak():.0f} MB")
        if came != {"read": len(contents)}:
            faults.append(f"{name}: {told(came)}")


async def _mutations(
    pictures: Decoder, count: int, seed: int, rows: list[tuple[object, ...]], faults: list[str]
) -> None:
    """Every file ends in a picture or a refusal, and what was let in is what the engine can open."""
    came: Counter[str] = Counter()
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, name: str, content: bytes) -> None:
        async with places:
            try:
                result = await verdict(pictures, content)
            except Exception as odd:  # this is what is looked for
                faults.append(f"mutation {number} of {name}: {odd!r}")
                return
        came[result] += 1
        if result == "read" and not content.startswith((b"II", b"MM")):  # a TIFF is written anew
            try:
                await asyncio.to_thread(decode_picture, content)
            except UnreadablePicture as unreadable:
                faults.append(f"mutation {number} of {name} was let in, but {unreadable}")

    begin = time.monotonic()
    for batch in batches(mutated(count, seed), 200):
        await asyncio.gather(*(one(*each) for each in batch))
    rows.append((f"{count:,} mutated files", told(came), f"{time.monotonic() - begin:.0f}", ""))


def mutated(count: int, seed: int) -> Iterator[tuple[int, str, bytes]]:
    """Number, name and bytes of files with something broken in each."""
    files = corpus()
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        name = chance.choice(sorted(files))
        yield number, name, mutate(files[name], files[chance.choice(sorted(files))], chance)


def mutate(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to four changes: bits, bytes, lengths, cuts, pieces taken out, doubled, or brought from elsewhere."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        place = chance.randrange(min(len(changed), chance.choice((64, 512, 1 << 30))))
        length = chance.choice((1, 2, 4, 16, 200))
        match chance.randrange(8):
            case 0:
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                changed[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                changed[place : place + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
            case 3:
                changed[place : place + 2] = chance.choice((b"\0\0", b"\xff\xff", b"\x3f\xff", b"\xff\x3f"))
            case 4:
                del changed[place : place + length]
            case 5:
                changed[place:place] = changed[place : place + length] * chance.choice((1, 2, 50))
            case 6:
                start = chance.randrange(max(1, len(other)))
                changed[place : place + length] = other[start : start + length]
            case 7:
                del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def corpus() -> dict[str, bytes]:
    """Odd files that people have sent, and plain ones of every format."""
    files = {path.name: path.read_bytes() for path in CORPUS.iterdir()}
    image = photograph(160, 120)
    grey = image.convert("L")
    for name, picture, kind, options in (
        ("baseline.jpg", image, "JPEG", {}),
        ("progressive.jpg", image, "JPEG", {"progressive": True, "subsampling": 0}),
        ("grey.jpg", grey, "JPEG", {}),
        ("plain.png", image, "PNG", {}),
        ("palette.png", image.quantize(16), "PNG", {"bits": 4}),
        ("lossy.webp", image, "WEBP", {"quality": 60}),
        ("lossless.webp", image, "WEBP", {"lossless": True}),
        ("alpha.webp", image.convert("RGBA"), "WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0"}),
        ("raw.tif", image, "TIFF", {}),
        ("lzw.tif", image, "TIFF", {"compression": "tiff_lzw"}),
        ("jpeg.tif", image, "TIFF", {"compression": "jpeg"}),
        ("deflate.tif", grey.convert("I;16"), "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("fax.tif", grey.convert("1"), "TIFF", {"compression": "group4"}),
        ("plain.gif", image.quantize(64), "GIF", {}),
        ("plain.bmp", image, "BMP", {}),
    ):
        files[name] = saved(picture, kind, **options)
    return files


def photograph(width: int, height: int) -> Image.Image:
    """Something with slopes and edges in it."""
    image = Image.radial_gradient("L").resize((width, height)).convert("RGB")
    image.paste((200, 40, 30), (width // 4, height // 3, width // 2, height // 2))
    return image


def batches(items: Iterator[tuple[int, str, bytes]], size: int) -> Iterator[list[tuple[int, str, bytes]]]:
    batch: list[tuple[int, str, bytes]] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def told(came: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in came.most_common())


@contextlib.contextmanager
def watched(pictures: Decoder) -> Iterator[Peak]:
    """Measures the memory of the nursery and its children, and of this process, beyond what they had before."""
    peak = Peak(pictures)
    peak.start()
    try:
        yield peak
    finally:
        peak.stop()


class Peak:
    """State: the most MB seen so far, looked for by a task of its own."""

    def __init__(self, pictures: Decoder) -> None:
        assert pictures.pid is not None
        self._nursery, self._here = psutil.Process(pictures.pid), psutil.Process()
        self._most = 0

    def __call__(self) -> float:
        return max(0, self._most - self._before) / 1e6

    def start(self) -> None:
        self._before = self._now()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self._most = max(self._most, await asyncio.to_thread(self._now))
            await asyncio.sleep(0.01)

    def _now(self) -> int:
        """Resident bytes of all of them; pages that a child shares with the nursery count again for each."""
        total = self._here.memory_info().rss
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in (self._nursery, *self._nursery.children()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
        return total
