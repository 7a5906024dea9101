from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI
from PIL import Image

from bot.playground import serve
from bot.store.keys import new_key
from inference.queue.jobs import Job
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.waiting import until

ANNA, BORIS = 1001, 1002


@dataclass
class Door:
    """A bot that lets programs in, with a painter of squares for a worker, and keys of two persons."""

    house: House
    session: aiohttp.ClientSession
    keys: dict[int, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.house.studio.api_port}"

    @property
    def ledger(self) -> Any:
        return self.tools.ledger

    @property
    def tools(self) -> Any:
        return self.house.studio.updates.workflow_data["studio"]

    def openai(self, person: int = ANNA, *, retries: int = 0, timeout: float = 60.0) -> AsyncOpenAI:
        key = self.keys.get(person, "ks-00000000-" + "x" * 43)
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=retries, timeout=timeout)

    async def key_of(self, person: int) -> str:
        """A key as /apikey makes it."""
        made = new_key()
        await self.tools.history.person(person, "en")
        await self.tools.history.keys.add(person, made.name, made.digest, None)
        self.keys[person] = made.text
        return made.text

    def asking(self, method: str, path: str, person: int | None = ANNA, **more: Any) -> Any:
        headers = {**more.pop("headers", {})}
        if person is not None:
            headers.setdefault("Authorization", f"Bearer {self.keys[person]}")
        return self.session.request(method, f"{self.url}{path}", headers=headers, **more)

    async def jobs(self, person: int = ANNA) -> list[Job]:
        """All jobs of a person that have not ended."""
        living: list[Job] = await self.ledger.active(person)
        return living

    async def holding(self, words: str, count: int = 1) -> list[Job]:
        """Returns when so many jobs with these words are being drawn; they are, until `release`."""
        return await until(lambda: self._running(words, count))

    async def _running(self, words: str, count: int) -> list[Job]:
        found = [job for job in await self.ledger.active() if words in job.request.words and job.state == "running"]
        return found if len(found) >= count else []

    def hold(self, words: str) -> None:
        self.house.painter.hold = words
        self.house.painter.gate.clear()

    def release(self) -> None:
        self.house.painter.gate.set()


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings beyond those of every door; a module may have its own."""
    return {}


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> AsyncIterator[Door]:
    playground = await serve(port=0, strict=True)
    options = {"api_port": 0, "running_per_person": 2, **options}
    house = House(playground, tmp_path, monkeypatch, options=options)
    await house.open()
    await house.learns(ALL_MODES)
    async with aiohttp.ClientSession() as session:
        door = Door(house, session)
        for person in (ANNA, BORIS):
            await door.key_of(person)
        yield door
        door.release()
        if not house.task.done():
            await house.close()
    await house.painter.close()
    await playground.close()


def png(colour: tuple[int, ...] = (200, 30, 30), size: tuple[int, int] = (128, 96)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
