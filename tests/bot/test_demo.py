"""The program as a person starts it: `python -m bot demo`, a process with everything in it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from bot.demo import DEMO_TOKEN, demo_settings
from bot.demo import demo as run_demo
from bot.settings import Settings, SettingsError
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE = 100.0  # seconds in which a busy machine starts the program


class Demo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self.said = ""

    async def start(self, **settings: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "demo"),
            env={**inherited, "DATA_DIR": str(self.folder), "PLAYGROUND_PORT": "0", "OMP_NUM_THREADS": "1", **settings},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def address(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stdout.readline()).decode():
                self.said += line
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    return found[0]
        raise AssertionError(f"no address in {self.said}")

    async def end(self, how: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        output, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        self.said += output.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest_asyncio.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    program = Demo(tmp_path)
    yield program
    if program.process is not None and program.process.returncode is None:
        await program.end(signal.SIGKILL)


async def sim(address: str, path: str, **fields: Any) -> Any:
    verb = "POST" if fields else "GET"
    async with aiohttp.request(verb, f"{address}/sim/{path}", json=fields or None) as response:
        return await response.json()


@pytest.mark.timeout(300)
async def test_the_demo_prints_its_address_answers_and_ends_with_all_its_processes(demo: Demo) -> None:
    await demo.start()
    address = await demo.address()
    async with aiohttp.ClientSession() as session, session.get(address) as page:
        assert page.status == 200
        assert "<html" in await page.text()

    await sim(address, "message", user=1001, text="/start", language="ru")

    async def answered() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = (await sim(address, "transcript?chat=1001"))["messages"]
        return messages if len(messages) > 1 else []

    messages = await until(answered, seconds=PATIENCE)
    assert messages[1]["from"]["is_bot"]
    assert messages[1]["buttons"]

    children = demo.family()
    assert children, "the worker is a child of the bot"
    assert await demo.end(signal.SIGTERM) == 0
    _gone, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert DEMO_TOKEN.partition(":")[2] not in demo.said
    assert (demo.folder / "playground").is_dir()
    assert (demo.folder / "demo" / "studio.db").is_file()


async def test_a_port_that_is_taken_is_told_in_one_line(demo: Demo) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        await demo.start(PLAYGROUND_PORT=str(taken.getsockname()[1]))
        assert demo.process is not None
        assert await asyncio.wait_for(demo.process.wait(), PATIENCE) == 2
    output, _ = await demo.process.communicate()
    assert output.decode().startswith("PLAYGROUND_PORT: port ")
    assert output.count(b"\n") == 1


async def test_a_folder_that_cannot_be_made_is_no_fault_of_the_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings(_env_file=None, bot_token=DEMO_TOKEN, data_dir=tmp_path / "file", playground_port=0)
    with pytest.raises(SettingsError, match="playground cannot be made: Not a directory") as refusal:
        await run_demo(settings)
    assert refusal.value.variable == "DATA_DIR"


def test_the_demo_stays_on_this_machine_and_away_from_a_real_studio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "BOT_TOKEN": "987654321:" + "r" * 35,
        "WEBHOOK_URL": "https://bot.example.org/telegram",
        "DATABASE_URL": "postgresql://studio:secret@db/studio",
        "BLOBS_URL": "s3://bucket",
        "ALLOWED_USERS": "5",
        "TELEGRAM_API_LOCAL": "true",
        "DATA_DIR": str(tmp_path),
        "WORKER_SLOTS": "2",
    }.items():
        monkeypatch.setenv(name, value)
    settings = demo_settings()
    assert settings.token == DEMO_TOKEN
    assert settings.webhook_url is None
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/demo/studio.db"
    assert settings.blobs_url == f"{tmp_path}/demo/blobs"
    assert (settings.allowed_users, settings.telegram_api_local) == (frozenset(), False)
    assert settings.worker_slots == 2, "what concerns this machine stays"
