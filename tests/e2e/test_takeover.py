"""Two whole programs on one PostgreSQL database: the one that stands by takes over, and people notice nothing more."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest
import pytest_asyncio

from bot.playground import Playground
from inference.queue.database import open_database
from tests.databases import fresh_address, needs_postgres
from tests.e2e.chat import Person, is_result
from tests.e2e.studio import ROOT, Studio
from tests.redis_server import RedisServer
from tests.waiting import until

People = Callable[..., Person]
module_wide = pytest_asyncio.fixture(scope="module", loop_scope="module")
PEOPLE, TAKEOVERS = 8, 5
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("CHAOS_LONG"), reason="of the long run: make chaos"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What two bots and a worker share: a database, a queue, a folder of pictures."""
    needs_postgres()
    folder, queue = tmp_path_factory.mktemp("shared"), RedisServer()
    queue.start()
    with fresh_address("postgresql", folder) as url:
        yield {
            "DATABASE_URL": url,
            "QUEUE_URL": queue.url,
            "BLOBS_URL": str(folder / "blobs"),
            "DEVICE": "cpu",
            "WAITING_PER_PERSON": "10",
        }
    queue.close()


@pytest.fixture(scope="module")
def worker(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("worker")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "DATA_DIR": str(folder), **settings}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "inference", "worker"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    yield
    process.terminate()
    process.wait(60)


@module_wide
async def bots(
    playground: Playground, settings: dict[str, str], worker: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Studio]]:
    """One that leads and one that stands by, in this order."""
    programs = [Studio(playground.url, tmp_path_factory.mktemp("bot"), settings) for _ in range(2)]
    await programs[0].start()
    await programs[0].answering()
    await programs[1].start()
    yield programs
    for program in programs:
        if program.process is not None and program.process.returncode is None:
            await program.stop()


async def stands_by(bot: Studio) -> None:
    await until(lambda: bot.log.exists() and "stands by" in bot.log.read_text(), "nobody stands by")


async def test_whoever_leads_is_killed_under_load_and_every_request_is_answered_once(
    bots: list[Studio], playground: Playground, settings: dict[str, str], person: People
) -> None:
    everybody = [person(7001 + number, "en") for number in range(PEOPLE)]
    asked: dict[int, int] = {one.id: 0 for one in everybody}

    async def ask(one: Person, words: str) -> None:
        await one.say(words)
        asked[one.id] += 1

    took: list[float] = []
    for number in range(TAKEOVERS):
        leader, standby = bots
        await stands_by(standby)
        await asyncio.gather(*(ask(one, "a red circle --n 1") for one in everybody))
        await everybody[0].until(lambda message: True)
        await asyncio.gather(*(ask(one, "a blue star --n 1") for one in everybody))
        await leader.kill()
        killed = time.monotonic()
        await asyncio.gather(*(ask(one, "a green tree --n 1") for one in everybody))
        polls = len(await calls(playground, "getUpdates"))
        await until(lambda polls=polls: _more_than(playground, polls), standby.log.read_text)
        took.append(time.monotonic() - killed)
        bots.reverse()
        standby = bots[1]
        standby.log.rename(standby.folder / f"log {number}")
        await standby.start()
    for one in everybody:
        await one.results(asked[one.id])
        results = [message for message in await one.messages() if is_result(message)]
        assert len(results) == asked[one.id]
    print(f"\ntakeovers: {', '.join(f'{seconds:.1f} s' for seconds in took)}; {sum(asked.values())} requests")
    states = await states_in(settings["DATABASE_URL"])
    assert states == {"done": sum(asked.values())}


async def calls(playground: Playground, method: str) -> list[object]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{playground.url}/sim/calls?limit=5000") as response,
    ):
        return [call for call in (await response.json())["calls"] if call["method"] == method]


async def _more_than(playground: Playground, polls: int) -> bool:
    return len(await calls(playground, "getUpdates")) > polls


async def states_in(url: str) -> dict[str, int]:
    database = open_database(url)
    async with database.connect() as connection:
        found = await connection.exec_driver_sql("select state, count(*) from jobs group by state")
        states = {str(state): int(number) for state, number in found}
    await database.dispose()
    return states
