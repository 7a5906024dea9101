from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest_asyncio

from bot.playground import Playground, serve
from tests.e2e.chat import Person
from tests.e2e.studio import Studio


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0)
    yield server
    await server.close()


@pytest_asyncio.fixture
async def studio(playground: Playground, tmp_path: Path) -> AsyncIterator[Studio]:
    program = Studio(playground.url, tmp_path / "data")
    await program.start()
    await program.answering()
    yield program
    if program.process is not None and program.process.returncode is None:
        await program.stop()


@pytest_asyncio.fixture
async def person(playground: Playground) -> AsyncIterator[Callable[..., Person]]:
    async with aiohttp.ClientSession() as session:

        def named(user: int, language: str = "ru", chat: int | None = None) -> Person:
            return Person(session, playground.url, user, language, chat)

        yield named
