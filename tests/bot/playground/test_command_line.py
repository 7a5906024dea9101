from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp

from tests.bot.playground.conftest import Sim, client
from tests.waiting import until


async def started(*arguments: str) -> tuple[Process, str]:
    """A playground in a process of its own and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.playground", "--port", "0", *arguments, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    return process, line.split()[-1].rstrip("/")


async def test_it_runs_alone_serves_its_page_and_stops_cleanly_on_sigterm(http: aiohttp.ClientSession) -> None:
    process, url = await started()
    async with http.get(url + "/") as page:
        assert page.status == 200
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    async with client(url) as bot:
        poll = asyncio.create_task(bot.get_updates(timeout=30))
        await until(Sim(url, http).bots)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        await asyncio.gather(poll, return_exceptions=True)
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_what_was_said_survives_a_kill(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    process, url = await started("--state", str(tmp_path))
    async with client(url) as bot:
        await bot.get_me()
        said = await Sim(url, http).say("a fox")
        await bot.send_message(1001, "one moment")
        before = await Sim(url, http).transcript()
    process.kill()
    await process.wait()
    process, url = await started("--state", str(tmp_path))
    assert await Sim(url, http).transcript() == before
    async with client(url) as bot:
        assert [it.update_id for it in await bot.get_updates()] == [said["update_id"]]
    process.terminate()
    await process.wait()


async def test_another_interface_is_refused_in_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.playground", "--host", "0.0.0.0", stdout=PIPE, stderr=PIPE
    )
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert complaint.decode().count("\n") == 1
    assert "0.0.0.0 can be reached from other machines" in complaint.decode()


async def test_the_server_needs_neither_aiogram_nor_torch() -> None:
    code = "import sys, bot.playground; sys.exit(bool({'aiogram', 'torch', 'sqlalchemy'} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0
