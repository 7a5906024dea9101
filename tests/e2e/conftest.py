from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
import pytest_asyncio

from bot.playground import Playground, serve
from tests.e2e.chat import Person
from tests.e2e.studio import Studio

# One program serves all tests of a module: starting it is the slow part, and each test brings its own people.
module_wide = pytest_asyncio.fixture(scope="module", loop_scope="module")


@module_wide
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    yield server
    await server.close()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Settings of the studio beyond the defaults; a module may have its own."""
    return {}


@module_wide
async def studio(
    playground: Playground, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    program = Studio(playground.url, tmp_path_factory.mktemp("studio"), settings)
    await program.start()
    try:
        await program.answering()
        yield program
    finally:
        if program.process is not None and program.process.returncode is None:
            await program.stop()


@module_wide
async def person(playground: Playground) -> AsyncIterator[Callable[..., Person]]:
    async with aiohttp.ClientSession() as session:

        def named(user: int, language: str = "ru", chat: int | None = None) -> Person:
            return Person(session, playground.url, user, language, chat)

        yield named
