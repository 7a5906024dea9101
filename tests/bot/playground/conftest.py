from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from PIL import Image

from bot.playground import Playground, serve
from tests.waiting import until

TOKEN = "123456:" + "A" * 35
OTHER_TOKEN = "654321:" + "B" * 35


class Sim:
    """The user plane over real HTTP."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def post(self, path: str, data: aiohttp.FormData | None = None, status: int = 200, **fields: Any) -> Any:
        body: dict[str, Any] = {"data": data} if data is not None else {"json": fields}
        async with self.session.post(f"{self.url}/sim/{path}", **body) as answer:
            result = await answer.json()
            assert answer.status == status, result
            return result

    async def get(self, path: str, **query: Any) -> Any:
        async with self.session.get(f"{self.url}/sim/{path}", params=query) as answer:
            result = await answer.json()
            assert answer.status == 200, result
            return result

    async def say(self, text: str, user: int = 1001, **fields: Any) -> Any:
        return await self.post("message", user=user, text=text, **fields)

    async def transcript(self, chat: int = 1001, **query: Any) -> list[dict[str, Any]]:
        return (await self.get("transcript", chat=chat, **query))["messages"]

    async def bots(self) -> list[dict[str, Any]]:
        """Those that have ever called."""
        return (await self.get("bots"))["bots"]

    async def polled(self) -> None:
        """Returns when the one bot holds a poll."""

        async def held() -> bool:
            return (await self.bots())[0]["connection"] == "polling"

        await until(held)

    async def answers(self, count: int) -> list[dict[str, Any]]:
        """What the bot has said, once it has said so much."""

        async def said() -> list[dict[str, Any]]:
            answers = [message for message in await self.transcript() if message["from"]["is_bot"]]
            return answers if len(answers) >= count else []

        return await until(said)

    async def bytes_of(self, file_url: str) -> bytes:
        async with self.session.get(self.url + file_url) as answer:
            assert answer.status == 200
            return await answer.read()


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    running = await serve(port=0, strict=True)
    yield running
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def client(url: str, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    async with client(playground.url) as it:
        await it.get_me()
        yield it


@pytest.fixture
async def sim(playground: Playground, http: aiohttp.ClientSession, bot: Bot) -> Sim:
    return Sim(playground.url, http)


Raw = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
def raw(playground: Playground, http: aiohttp.ClientSession) -> Raw:
    """A call without aiogram's own checks: returns status and envelope."""

    async def call(method: str, token: str = TOKEN, **params: Any) -> tuple[int, dict[str, Any]]:
        async with http.post(f"{playground.url}/bot{token}/{method}", json=params) as answer:
            return answer.status, await answer.json()

    return call


def picture(width: int, height: int, form: str = "PNG", colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()
