"""The real program under test: a playground that outlives it, and the bot as a process that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from tests.waiting import until

TOKEN = "123456:" + "A" * 35
ROOT = Path(__file__).parents[2]


@dataclass
class Studio:
    """`python -m bot run` pointed at a playground, with its own data folder and log."""

    playground_url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environment = {
            **os.environ,
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": self.playground_url,
            "DATA_DIR": str(self.folder),
            "OMP_NUM_THREADS": "1",
            **self.settings,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", env=environment, cwd=ROOT, stdout=log, stderr=log
            )

    async def answering(self, patience: float = 120) -> None:
        """Waits until the bot polls for updates."""

        async def polls() -> bool:
            async with session.get(f"{self.playground_url}/sim/bots") as response:
                return any(bot["connection"] == "polling" for bot in (await response.json())["bots"])

        async with aiohttp.ClientSession() as session:
            await until(polls, lambda: f"the bot does not poll; log:\n{self._end_of_log()}", seconds=patience)

    @property
    def log(self) -> Path:
        return self.folder / "bot.log"

    async def stop(self, patience: float = 30) -> int:
        """Asks politely (SIGTERM) and returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), patience)

    async def kill(self) -> None:
        """kill -9 of the bot alone; its children must notice by themselves."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def descendants(self) -> list[psutil.Process]:
        """The worker and the engine child, the nearest first."""
        assert self.process is not None
        return [child for child in psutil.Process(self.process.pid).children(recursive=True) if child.is_running()]

    async def child(self, command: str, patience: float = 60) -> psutil.Process:
        """The first descendant whose command line contains `command`, waiting until there is one."""

        def found() -> psutil.Process | None:
            for process in self.descendants():
                with suppress(psutil.NoSuchProcess):
                    if command in " ".join(process.cmdline()):
                        return process
            return None

        return await until(
            found,
            lambda: f"no process {command!r} among the studio's children; log:\n{self._end_of_log()}",
            seconds=patience,
        )

    def _end_of_log(self) -> str:
        return self.log.read_text()[-3000:]
