"""Files of strangers go to disk, bounded while they come, and leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Document
from aiohttp import web

from bot.telegram.fetching import CutOff, Files, FileTooBig
from tests.waiting import until

TOKEN = "123456:" + "T" * 35
MEGABYTE = 1_000_000
ANNA = 1001


@dataclass
class Server:
    """A Bot API server that says a file has `claimed` bytes and sends `sent` of them, `sent` being endless if None."""

    claimed: int = 10
    sent: int | None = 10
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    pieces: int = 0

    async def get_file(self, request: web.Request) -> web.Response:
        self.asked.append("getFile")
        return web.json_response(
            {
                "ok": True,
                "result": {
                    "file_id": "f",
                    "file_unique_id": "u",
                    "file_size": self.claimed,
                    "file_path": "photos/1.jpg",
                },
            }
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        self.asked.append("file")
        response = web.StreamResponse()
        if self.broken:
            response.content_length = 10 * (self.sent or 1)
        await response.prepare(request)
        left = self.sent
        while left is None or left > 0:
            piece = b"x" * (1 << 16 if left is None else min(1 << 16, left))
            self.pieces += 1
            await response.write(piece)
            left = None if left is None else left - len(piece)
        if self.broken and request.transport is not None:
            request.transport.close()
        return response


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Bot]]:
    told = Server()
    application = web.Application()
    application.router.add_route("*", f"/bot{TOKEN}/getFile", told.get_file)
    application.router.add_get(f"/file/bot{TOKEN}/photos/1.jpg", told.file)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    yield told, bot
    await bot.session.close()
    await runner.cleanup()


def sent(size: int | None) -> Document:
    return Document(file_id="f", file_unique_id="u", file_size=size)


async def test_a_file_lies_on_disk_for_as_long_as_it_is_worked_with(server: tuple[Server, Bot], tmp_path: Path) -> None:
    told, bot = server
    told.sent = 3 * MEGABYTE
    files = Files(bot, tmp_path / "incoming")
    async with files.fetched(sent(3 * MEGABYTE), ANNA) as path:
        assert path.stat().st_size == 3 * MEGABYTE
    with pytest.raises(RuntimeError):
        async with files.fetched(sent(3 * MEGABYTE), ANNA):
            raise RuntimeError("whatever goes wrong with it")
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_what_comes_counts_and_not_what_was_said_of_it(server: tuple[Server, Bot], tmp_path: Path) -> None:
    told, bot = server
    told.sent = None
    with pytest.raises(FileTooBig):
        async with files_of(bot, tmp_path).fetched(sent(10), ANNA, most=MEGABYTE):
            pass
    assert told.pieces < 400  # what the sockets hold, and no more
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", ["by the message", "by getFile"])
async def test_what_is_said_to_be_too_big_is_not_fetched(server: tuple[Server, Bot], tmp_path: Path, said: str) -> None:
    told, bot = server
    told.claimed = 2 * MEGABYTE
    with pytest.raises(FileTooBig):
        async with files_of(bot, tmp_path).fetched(
            sent(2 * MEGABYTE if said == "by the message" else None), ANNA, most=MEGABYTE
        ):
            pass
    assert told.asked == ([] if said == "by the message" else ["getFile"])


async def test_one_person_with_many_files_does_not_hold_up_another(server: tuple[Server, Bot], tmp_path: Path) -> None:
    _told, bot = server
    files = files_of(bot, tmp_path)
    gate, fetched = asyncio.Event(), []

    async def slowly(person: int) -> None:
        async with files.fetched(sent(10), person):
            fetched.append(person)
            await gate.wait()

    tasks = [asyncio.create_task(slowly(ANNA)) for _ in range(30)] + [asyncio.create_task(slowly(2))]
    await until(lambda: 2 in fetched)
    assert len(fetched) < 25
    gate.set()
    await asyncio.gather(*tasks)


async def test_a_file_that_ends_before_its_end_is_called_cut_off(server: tuple[Server, Bot], tmp_path: Path) -> None:
    told, bot = server
    told.broken = True
    with pytest.raises(CutOff):
        async with files_of(bot, tmp_path).fetched(sent(10), ANNA):
            pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "0123.part").write_bytes(b"half a file")
    (tmp_path / "somebody else's").write_bytes(b"kept")
    Files(Bot(TOKEN), tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["somebody else's"]


def files_of(bot: Bot, folder: Path) -> Files:
    return Files(bot, folder)
