"""The studio as something that is killed: lives of the bot, each with a worker and an engine."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from bot.playground import Playground
from tests.e2e.studio import ROOT, TOKEN
from tests.ports import free_port
from tests.waiting import until, within

Victim = Literal["bot", "worker", "engine"]
_COMMANDS = {"worker": "inference.worker", "engine": "tests.hostile.squares", "decoder": "bot.imaging.child"}
START_SECONDS, DYING_SECONDS = 60.0, 20.0


class Stillborn(AssertionError):
    """A life that does not begin, with the end of its log."""


@dataclass
class Lives:
    """Starts the bot by the warm program, and knows who is its worker and its engine. `log` is that of all lives."""

    playground: Playground
    folder: Path
    warm: asyncio.subprocess.Process
    webhook_port: int | None = None
    pid: int = 0
    number: int = 0
    born: float = 0.0  # monotonic
    born_at: float = 0.0

    @classmethod
    async def prepare(cls, playground: Playground, folder: Path, *, webhook: bool = False) -> Lives:
        """Waits until everything has been imported. Updates come by polling, or by webhook."""
        folder.mkdir(parents=True, exist_ok=True)
        engine = [sys.executable, "-m", "tests.hostile.squares", "--ready", str(folder / "ready")]
        warm = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.hostile.warm", shlex.join(engine)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert warm.stdout is not None
        assert await warm.stdout.readline() == b"ready\n"
        return cls(playground, folder, warm, free_port() if webhook else None)

    @property
    def log(self) -> Path:
        return self.folder / "bot.log"

    async def begin(self) -> None:
        """Starts the bot; `listening` says when it is there."""
        self.number += 1
        environment = {
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": self.playground.url,
            "DATA_DIR": str(self.folder / "data"),
            "LOG_LEVEL": "INFO",
        }
        if self.webhook_port is not None:
            address = f"http://127.0.0.1:{self.webhook_port}/updates"
            environment |= {"WEBHOOK_URL": address, "WEBHOOK_PORT": str(self.webhook_port)}
        order = {"environment": environment, "log": str(self.log), "life": self.number}
        assert self.warm.stdin is not None and self.warm.stdout is not None
        self.warm.stdin.write(json.dumps(order).encode() + b"\n")
        self.born, self.born_at = time.monotonic(), time.time()
        self.pid = int(await self.warm.stdout.readline())

    @property
    def listening(self) -> bool:
        """Whether this life has asked for updates, or to be told of them."""
        if self.webhook_port is not None:
            calls = reversed(self.playground.bots.calls)
            asked = next((call for call in calls if call["method"] == "setWebhook" and call["ok"]), None)
            return asked is not None and asked["time"] > self.born_at
        return any(mailbox.last_poll > self.born for mailbox in self.playground.world.mailboxes.values())

    @property
    def drawing(self) -> bool:
        """Whether there is an engine that is ready."""
        ready = self.folder / "ready"
        return ready.exists() and any(str(member.pid) == ready.read_text() for member in self._family())

    async def listens(self) -> None:
        await within(START_SECONDS, lambda: self.listening or not psutil.pid_exists(self.pid))
        if not self.listening:
            raise Stillborn(f"life {self.number}; log:\n{self.log.read_text()[-3000:]}")

    async def kill(self, victim: Victim | Literal["decoder"]) -> bool:
        """kill -9; of the bot alone, after which its family must end. False where there is no such process just now."""
        if victim == "bot":
            family = self._family()
            os.kill(self.pid, signal.SIGKILL)
            await until(
                lambda: not (psutil.pid_exists(self.pid) or any(_is_alive(member) for member in family)),
                lambda: f"outlived the bot: {[it for it in family if _is_alive(it)]}",
                seconds=DYING_SECONDS,
            )
            return True
        found = next((member for member in self._family() if _does(member, _COMMANDS[victim])), None)
        if found is not None:
            with suppress(psutil.NoSuchProcess):
                found.kill()
        return found is not None

    async def end(self) -> None:
        """The last life ends politely, then the warm program."""
        if self.pid and psutil.pid_exists(self.pid):
            os.kill(self.pid, signal.SIGTERM)
            await within(20, lambda: not psutil.pid_exists(self.pid))
        assert self.warm.stdin is not None
        self.warm.stdin.close()
        await self.warm.wait()

    def _family(self) -> list[psutil.Process]:
        """Everybody the bot has started, the nearest first."""
        with suppress(psutil.NoSuchProcess):
            return [child for child in psutil.Process(self.pid).children(recursive=True) if child.is_running()]
        return []


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _does(process: psutil.Process, program: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return program in process.cmdline()
    return False
