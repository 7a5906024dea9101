"""Files of strangers are opened where they can be killed, and nobody else notices."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from benchmarks.paintings import COLOURS, intersection_over_union, paint, photograph, ring
from bot.imaging import counting
from bot.imaging.decoder import Decoder
from bot.imaging.decoding import PictureRefused
from bot.imaging.masks import from_png
from bot.imaging.memory import NoRoom, Room
from bot.modes.repaint.repainting import STEP
from inference.blobs import BlobStore, decode_picture, encode_png
from tests.hostile import bombs
from tests.hostile.bombs import saved
from tests.waiting import until

RED, BLUE = (220, 40, 40), (30, 60, 210)
TURNED = {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"}  # a quarter clockwise


def halves(size: tuple[int, int] = (96, 64), mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image.convert(mode)


@pytest.fixture
async def decoder(tmp_path: Path) -> AsyncIterator[Decoder]:
    made = Decoder(BlobStore(str(tmp_path / "blobs")), tmp_path / "incoming")
    yield made
    await made.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "blobs"))


async def trouble(decoder: Decoder, content: bytes) -> str:
    with pytest.raises(PictureRefused) as refusal:
        await decoder.check(content)
    return refusal.value.trouble


# What is kept


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", TURNED), ("PNG", TURNED), ("WEBP", TURNED), ("GIF", {}), ("BMP", {})]
)
async def test_what_was_sent_is_kept_byte_for_byte_and_its_upright_size_is_known(
    decoder: Decoder, blobs: BlobStore, kind: str, options: dict[str, bytes]
) -> None:
    content = saved(halves(), kind, **options)
    source = (await decoder.kept(content)).source
    assert blobs.get(source.blob) == content
    assert (source.width, source.height) == ((64, 96) if options else (96, 64))
    assert decode_picture(content).size == (source.width, source.height)


async def test_a_png_that_tells_its_turn_behind_its_pixels_is_known_upright_too(decoder: Decoder) -> None:
    content = saved(halves(), "PNG")
    end = content.index(b"IEND") - 4
    late = content[:end] + bombs.chunk(b"eXIf", TURNED["exif"][6:]) + content[end:]
    checked = await decoder.check(late)
    assert (checked.width, checked.height) == decode_picture(late).size == (64, 96)


async def test_a_tiff_is_kept_as_a_png_of_the_same_pixels(decoder: Decoder, blobs: BlobStore) -> None:
    content = saved(photograph(1, (160, 120)), "TIFF", compression="tiff_lzw")
    source = (await decoder.kept(content)).source
    stored = blobs.get(source.blob)
    assert stored.startswith(b"\x89PNG")
    assert np.array_equal(np.asarray(decode_picture(stored)), np.asarray(decode_picture(content)))


async def test_a_large_photo_takes_no_more_room_than_its_file(decoder: Decoder, blobs: BlobStore) -> None:
    content = saved(photograph(1, (1500, 1000)), "JPEG", quality=92)
    source = (await decoder.kept(content)).source
    path = blobs.path(source.blob)
    assert path is not None
    assert path.stat().st_size == len(content)


async def test_a_store_elsewhere_than_on_this_disk_serves_too(tmp_path: Path) -> None:
    blobs = BlobStore("memory://pictures-elsewhere")
    decoder = Decoder(blobs, tmp_path / "incoming")
    try:
        source = (await decoder.kept(saved(halves(), "JPEG", quality=95, **TURNED))).source
        shown = Image.open(io.BytesIO(await decoder.reduced(source.blob, 48)))
        assert shown.size == (32, 48)
    finally:
        await decoder.close()


# Bombs


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (bombs.repeated_scans(256, counting.MOST_SCANS + 1), "scans"),
        (bombs.segments(counting.MOST_SEGMENTS + 1), "segments"),
        (bombs.png_of_chunks(counting.MOST_CHUNKS + 1), "chunks"),
        (bombs.gif_of_blocks(counting.MOST_BLOCKS + 1), "blocks"),
        (bombs.tiff_of_values(3), "values"),
        (bombs.heic_of_boxes(counting.MOST_BOXES + 1), "boxes"),
        (b"RIFF\0\0\0\0WEBP" + b"ABCD\0\0\0\0" * (counting.MOST_CHUNKS + 1), "chunks"),
    ],
    ids=["scans", "segments", "chunks", "blocks", "values", "boxes", "webp"],
)
def test_what_a_file_repeats_is_counted_before_it_is_opened(content: bytes, what: str) -> None:
    with pytest.raises(counting.TooMuch, match=what):
        counting.count(content)


@pytest.mark.parametrize("path", sorted((Path(bombs.__file__).parent / "corpus").iterdir()), ids=lambda path: path.name)
def test_no_real_file_repeats_too_much(path: Path) -> None:
    counting.count(path.read_bytes())


async def test_a_bomb_of_scans_is_refused(decoder: Decoder) -> None:
    assert await trouble(decoder, bombs.repeated_scans(1024)) == "too_hard"


async def test_a_file_that_takes_more_of_the_processor_than_its_picture_is_worth_is_given_up(decoder: Decoder) -> None:
    runs = 24_000_000  # nearly three times what a fast processor unpacks in the time that is given
    assert await trouble(decoder, bombs.bmp_of_runs(100, runs)) == "too_hard"
    assert (await decoder.check(saved(halves(), "PNG"))).format == "PNG"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much address space there is already")
async def test_a_file_that_takes_more_memory_than_its_picture_is_worth_is_given_up(decoder: Decoder) -> None:
    assert await trouble(decoder, bombs.tiff_of_a_tile()) == "too_hard"
    assert (await decoder.check(saved(halves(), "PNG"))).format == "PNG"


async def test_texts_larger_than_most_are_no_reason_to_refuse_a_picture(decoder: Decoder) -> None:
    assert (await decoder.check(bombs.png_of_lines())).width == 100


async def test_nothing_is_announced_as_small_and_then_large(decoder: Decoder) -> None:
    """A WebP whose picture is larger than its canvas, and a JPEG cut off in the middle."""
    webp = bytearray(saved(halves((256, 192), "RGBA"), "WEBP", lossless=True, **TURNED))
    assert webp[12:16] == b"VP8X"
    webp[24:30] = bytes((99, 0, 0, 99, 0, 0))
    assert await trouble(decoder, bytes(webp)) in ("not_an_image", "broken")
    assert await trouble(decoder, saved(photograph(1, (300, 200)), "JPEG")[:-3000]) == "broken"


# Deaths


async def child_of(decoder: Decoder) -> psutil.Process:
    [child, *_] = await until(lambda: decoder.pid is not None and psutil.Process(decoder.pid).children())
    return child


async def test_a_process_killed_in_the_middle_of_a_picture_is_told_to_whoever_sent_it_and_to_nobody_else(
    decoder: Decoder,
) -> None:
    await decoder.warm_up()
    slow = asyncio.create_task(trouble(decoder, bombs.bmp_of_nothing()))
    (await child_of(decoder)).kill()
    assert (await decoder.check(saved(halves(), "JPEG"))).width == 96
    assert await slow == "no_memory"


async def test_when_the_process_that_makes_processes_is_killed_the_next_picture_is_opened_all_the_same(
    decoder: Decoder,
) -> None:
    assert (await decoder.check(saved(halves(), "JPEG"))).width == 96
    before = decoder.pid
    assert before is not None
    psutil.Process(before).kill()
    await until(lambda: decoder.pid != before)
    assert (await decoder.check(saved(halves(), "JPEG"))).width == 96
    assert decoder.pid != before


async def test_whoever_gives_up_waiting_leaves_no_process_behind(decoder: Decoder) -> None:
    await decoder.warm_up()
    slow = asyncio.create_task(decoder.check(bombs.bmp_of_nothing()))
    process = await child_of(decoder)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    await until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


async def test_nothing_is_left_when_the_bot_ends(tmp_path: Path) -> None:
    decoder = Decoder(BlobStore(str(tmp_path)), tmp_path / "incoming")
    slow = asyncio.create_task(decoder.check(bombs.bmp_of_nothing()))
    child, nursery = await child_of(decoder), psutil.Process(decoder.pid)
    await decoder.close()
    await asyncio.gather(slow, return_exceptions=True)
    assert not nursery.is_running()
    await until(lambda: not child.is_running())


async def test_what_the_libraries_print_is_not_printed(decoder: Decoder, capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(saved(photograph(1, (160, 120)), "TIFF", compression="tiff_lzw"))
    content[200:1200] = (b"\x1b[31mlook here" * 72)[:1000]
    plain = [sys.executable, "-c", "import io, sys; from PIL import Image; Image.open(sys.stdin.buffer).load()"]
    assert b"tempfile.tif: " in subprocess.run(plain, input=bytes(content), capture_output=True, check=False).stderr
    capfd.readouterr()
    assert await trouble(decoder, bytes(content)) == "broken"
    await decoder.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only there can it be looked up")
async def test_secrets_of_the_bot_are_not_within_reach_of_what_it_opens(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "123456:secret")
    await decoder.warm_up()
    assert b"secret" not in Path(f"/proc/{decoder.pid}/environ").read_bytes()
    assert os.getpriority(os.PRIO_PROCESS, 0) <= os.getpriority(os.PRIO_PROCESS, decoder.pid or 0)


def test_what_opens_pictures_knows_neither_telegram_nor_tensors_nor_the_database() -> None:
    known = "import bot.imaging.child, sys; print(*{'aiogram', 'torch', 'sqlalchemy', 'bot.store'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", known], capture_output=True, check=True, text=True).stdout == "\n"


# Room


async def test_pictures_wait_until_there_is_room_and_come_in_turn() -> None:
    room, came, ends = Room(100, lambda: 1000), [], [asyncio.Event() for _ in range(3)]

    async def one(number: int) -> None:
        async with room.taken(60):
            came.append(number)
            await ends[number].wait()

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    for number in range(3):
        await until(lambda number=number: len(came) > number)
        for _ in range(5):
            await asyncio.sleep(0)
        assert came == list(range(number + 1))
        ends[number].set()
    await asyncio.gather(*tasks)


async def test_one_picture_alone_may_take_more_than_several_together_but_not_more_than_there_is() -> None:
    room = Room(100, lambda: 1000)
    async with room.taken(800):
        pass
    with pytest.raises(NoRoom):
        async with room.taken(950):
            pass


async def test_without_memory_a_large_picture_is_refused_and_a_small_one_is_not(tmp_path: Path) -> None:
    decoder = Decoder(BlobStore(str(tmp_path)), tmp_path / "incoming", room=Room(free=lambda: 1_000_000))
    try:
        assert await trouble(decoder, saved(Image.new("L", (5000, 4000)), "PNG")) == "no_memory"
        assert (await decoder.check(saved(halves(), "PNG"))).width == 96
    finally:
        await decoder.close()


# What is made of pictures that were kept


async def test_a_picture_is_shown_small_and_upright(decoder: Decoder) -> None:
    source = (await decoder.kept(saved(halves((4000, 3000)), "JPEG", quality=90, **TURNED))).source
    shown = Image.open(io.BytesIO(await decoder.reduced(source.blob, 400)))
    assert (shown.format, shown.mode, shown.size) == ("PPM", "RGB", (300, 400))
    for place, colour in ((40, RED), (360, BLUE)):
        pixel = shown.getpixel((150, place))
        assert isinstance(pixel, tuple)
        assert max(abs(have - want) for have, want in zip(pixel, colour, strict=True)) < 12


async def test_paint_is_found_on_pictures_larger_than_what_is_compared(decoder: Decoder) -> None:
    photo = photograph(1, (1280, 960)).resize((4200, 3150))
    copy, meant = paint(photo.resize((1280, 960)), ring((0.5, 0.5), 0.2, 0.03, COLOURS["red"]))
    original = (await decoder.kept(saved(photo, "JPEG", quality=92))).source
    sent = (await decoder.kept(saved(copy, "JPEG", quality=85))).source
    mask = Image.open(io.BytesIO(await decoder.recovered(original, sent.blob)))
    assert mask.size == (4200, 3150)
    assert intersection_over_union(np.asarray(mask.resize((1280, 960))) >= 128, meant) > 0.8


async def test_an_area_of_a_large_picture_is_as_large_as_the_picture(decoder: Decoder) -> None:
    source = (await decoder.kept(saved(Image.new("RGB", (3000, 2100), RED), "JPEG"))).source
    marked = await decoder.marked(source, painted=None, grid=3, cells=[4], growth=STEP)
    assert marked is not None
    mask = from_png(marked.png)
    assert mask.shape == (2100, 3000)
    assert mask[1050, 1500] and not mask[100, 100]
    assert abs(mask.mean() - (1000 + 84) * (700 + 84) / (3000 * 2100)) < 0.01
    assert await decoder.marked(source, painted=None, grid=3, cells=range(9), growth=0) is None


async def test_what_is_gone_or_unreadable_has_no_thumbnail(decoder: Decoder, blobs: BlobStore) -> None:
    source = (await decoder.kept(saved(halves(), "PNG"))).source
    there, gone, unreadable = await decoder.thumbnails([source.blob, "0" * 64, blobs.put(b"no picture")])
    assert there is not None
    assert (gone, unreadable) == (None, None)


def test_the_engine_sees_the_same_in_a_file_as_in_the_png_that_was_made_of_it() -> None:
    for kind, options in (("JPEG", TURNED), ("WEBP", TURNED), ("GIF", {})):
        content = saved(photograph(1, (160, 120)), kind, **options)
        seen = decode_picture(content)
        again = decode_picture(encode_png(seen))
        assert np.array_equal(np.asarray(seen), np.asarray(again))
