"""Two bots on one database: one answers people, the other waits and goes on where the first one stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.health import health_of
from bot.playground import Playground
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Person, is_result
from tests.ports import free_port
from tests.waiting import until

MakeHouse = Callable[..., House]
OWNER = 4001


@pytest.fixture
async def a_house(
    playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> AsyncIterator[MakeHouse]:
    """Houses of one studio, each with a port of its own."""
    made: list[House] = []

    def make(*, webhook: bool = True, **options: Any) -> House:
        options["database_url"] = postgres_url
        made.append(House(playground, tmp_path, monkeypatch, options, webhook=webhook))
        return made[-1]

    yield make
    for house in made:
        if not house.task.done():
            await house.close()
        await house.painter.close()


async def test_the_second_says_that_it_stands_by_and_takes_over_with_what_was_under_way(
    a_house: MakeHouse, anna: Person, named: Callable[..., Person]
) -> None:
    first, second = a_house(), a_house()
    for house in (first, second):
        house.options |= {"metrics_port": free_port(), "admin_ids": frozenset({OWNER})}
    await first.open()
    owner = named(OWNER, "en")
    await owner.say("/help")
    await owner.until(lambda message: True)
    opening = asyncio.create_task(second.open())
    await until(lambda: healthy(second, 503))
    assert await healthy(first, 200)
    assert (await leads(first), await leads(second)) == (True, False)
    assert [await asked(second), await asked(first)] == ["alive", "ready"]
    await anna.say("a red circle --n 1")
    await anna.until(is_result)
    await first.close()
    await opening
    assert await healthy(second, 200)
    assert await leads(second)
    await owner.until(lambda message: "has taken over" in (message["text"] or ""))
    await anna.say("a blue cat --n 1")
    await anna.until(lambda message: is_result(message) and "blue cat" in (message["caption"] or ""))


async def test_who_is_stopped_while_standing_by_ends_without_a_word(a_house: MakeHouse) -> None:
    first, second = a_house(), a_house()
    await first.open()
    opening = asyncio.create_task(second.open())
    await until(lambda: healthy(second, 503))
    second.stop.set()
    await second.task
    assert second.studio is None
    await opening
    assert await healthy(first, 200)


async def leads(house: House) -> bool:
    """Whether it says so to who asks for its figures."""
    port = house.options["metrics_port"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return "\nstudio_leads 1.0\n" in await answer.text()


async def test_where_updates_are_asked_for_a_file_says_who_leads(
    a_house: MakeHouse, anna: Person, tmp_path: Path
) -> None:
    first, second = (a_house(webhook=False, health_file=tmp_path / name) for name in ("first", "second"))
    await first.open()
    opening = asyncio.create_task(second.open())

    async def one_of_each() -> bool:
        return [await asked(first), await asked(second)] == ["ready", "alive"]

    await anna.say("/start")  # so that the poll is answered at once
    await until(one_of_each)
    await first.close()
    assert await asked(first) == "dead"
    await opening

    async def taken_over() -> bool:
        return await asked(second) == "ready"

    await anna.say("/help")
    await until(taken_over)
    await second.close()
    assert await asked(second) == "dead"


async def asked(house: House) -> str:
    """What `python -m bot health` would find."""
    if house.settings is None:
        return "dead"
    found = await asyncio.to_thread(health_of, house.settings)
    return "ready" if found.ready else "alive" if found.alive else "dead"


async def healthy(house: House, status: int) -> bool:
    """Whether its port says so."""
    if house.settings is None:  # it has not begun
        return False
    port = house.settings.webhook_port
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/health") as response:
            return response.status == status
    except aiohttp.ClientError:
        return False
