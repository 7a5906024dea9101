"""The door in a program of its own: it writes orders into the ledger, and the bot has them drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from bot.app.apart import opened_apart
from bot.playground import serve
from bot.settings import Settings, SettingsError
from bot.store.keys import new_key
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.offer import Offer
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.bot.door.conftest import ANNA, BORIS
from tests.databases import fresh_address, needs_postgres
from tests.redis_server import RedisServer
from tests.waiting import until

GENERATIONS = "/v1/images/generations"


@pytest.fixture
def redis() -> Any:
    server = RedisServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    needs_postgres()
    playground = await serve(port=0, strict=True)
    with fresh_address("postgresql", tmp_path, tables=True) as url:
        house = House(playground, tmp_path, monkeypatch, options={"database_url": url})
        await house.open()
        await house.learns(ALL_MODES)
        yield house
        house.painter.gate.set()
        await house.close()
    await house.painter.close()
    await playground.close()


async def offers(server: RedisServer) -> None:
    """A worker has come to the queue."""
    offer = Offer(code_version="1", host="here", device="cpu", beat=1, slots=2, card=ALL_MODES)
    client = Redis.from_url(server.url)
    life = keys.new_life(7)
    await client.sadd(keys.WORKERS, life)
    await client.set(keys.offer_of(life), offer.model_dump_json())
    await client.aclose()


async def test_what_it_takes_in_the_bot_has_drawn_and_what_it_gives_up_the_bot_stops(
    house: House, redis: RedisServer, tmp_path: Path
) -> None:
    studio: Any = house.studio.updates.workflow_data["studio"]
    await offers(redis)
    made, other = new_key(), new_key()
    await studio.history.keys.add(ANNA, made.name, made.digest, None)
    await studio.history.keys.add(BORIS, other.name, other.digest, None)
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        database_url=house.settings.database_url,
        queue_url=redis.url,
        api_port=0,
    )
    async with opened_apart(settings) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def answer(words: str, key: str) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {key}"}
            async with session.post(GENERATIONS, json={"prompt": words}, headers=headers) as response:
                return response.status, await response.json()

        await until(lambda: is_ready(session))
        status, body = await answer("a red circle", made.text)
        assert status == 200 and body["size"] == "256x256"
        pictures, _total = await studio.history.page(ANNA, offset=0, limit=9)
        assert len(pictures) == 1

        house.painter.hold = "held"
        house.painter.gate.clear()
        asking = asyncio.create_task(answer("held blue", made.text))
        job = await until(lambda: running(studio))
        asking.cancel()
        await until(lambda: has_ended(studio, job.id))
        assert (await studio.ledger.job(job.id)).state == "cancelled"

        assert (await answer("a red circle", other.text))[0] == 200
        await studio.history.set_blocked(BORIS, True)
        assert (await answer("a red circle", other.text))[0] == 403, "what the bot learns of a person holds here too"


async def is_ready(session: aiohttp.ClientSession) -> bool:
    async with session.get("/v2/health/ready") as response:
        return response.status == 200


async def running(studio: Any) -> Any:
    return next((job for job in await studio.ledger.active() if job.state == "running"), None)


async def has_ended(studio: Any, job_id: int) -> bool:
    return (await studio.ledger.job(job_id)).settled


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({}, "API_PORT"),
        ({"api_port": 0}, "DATABASE_URL"),
        ({"api_port": 0, "database_url": "postgresql://127.0.0.1:1/none"}, "QUEUE_URL"),
        (
            {"api_port": 0, "database_url": "postgresql://127.0.0.1:1/none", "queue_url": "redis://127.0.0.1:1"},
            "DATABASE_URL",
        ),
    ],
)
async def test_where_it_cannot_be_it_says_what_is_missing(
    tmp_path: Path, options: dict[str, Any], variable: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        async with opened_apart(Settings(_env_file=None, data_dir=tmp_path, **options)):
            pass
    assert refused.value.variable == variable and "\n" not in str(refused.value)
