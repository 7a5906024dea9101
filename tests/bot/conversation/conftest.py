from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bot.app as app
from bot.imaging.decoder import Decoder
from bot.playground import Playground, serve
from bot.settings import Settings
from bot.telegram.outbox import Outbox
from bot.telegram.pacing import Pace, Window
from inference.blobs import BlobStore
from inference.queue.timings import Timings
from inference.requests import ModelCard
from tests.bot.conversation.painter import ALL_MODES, Painter
from tests.bot.ready_made import migrated, shared_nursery
from tests.e2e.chat import Person
from tests.ports import free_port
from tests.waiting import until

TOKEN = "123456:" + "A" * 35
WAYS = ("polling", "webhook")
# Telegram's own limits have tests of their own, in virtual time; here they would only be waited for.
HURRIED = Pace(private=(Window(100, 1.0),), group=(Window(100, 1.0),), per_second=200.0)


@dataclass
class House:
    """The bot as `python -m bot run` puts it together, with a painter of squares for a worker. Updates come by polling
    or, as HTTP, by `webhook`: those of one chat one after the other, each when the one before has been answered."""

    playground: Playground
    folder: Path
    patch: pytest.MonkeyPatch
    options: dict[str, Any] = field(default_factory=dict)
    webhook: bool = False
    studio: app.Running | None = None
    settings: Settings | None = None

    def __post_init__(self) -> None:
        self.painter = self.new_painter()
        self.ended = asyncio.Event()

    def new_painter(self) -> Painter:
        return Painter(BlobStore(str(self.folder / "blobs")))

    async def open(self) -> None:
        self.settings = settings = Settings(
            _env_file=None,
            bot_token=TOKEN,
            telegram_api_url=self.playground.url,
            data_dir=self.folder,
            shutdown_grace_seconds=1,
            **(_hook() if self.webhook else {}),
            **self.options,
        )
        migrated(self.folder / "studio.db")
        self.patch.setattr(app, "Decoder", partial(Decoder, nursery=shared_nursery()))
        self.patch.setattr(app, "delivery_of", lambda _settings, _blobs: self.painter)
        self.patch.setattr(app, "Outbox", lambda: Outbox(HURRIED, progress_seconds=(0.1, 0.1)))
        ready, self.stop = asyncio.Event(), asyncio.Event()

        async def live() -> None:
            async with app.leading_studio(settings, self.stop) as studio:
                if studio is None:
                    return
                self.studio = studio
                ready.set()
                await app.serve(studio, self.stop)

        self.task = asyncio.create_task(live())
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            await self.task

    async def close(self) -> None:
        self.stop.set()
        await self.task

    async def learns(self, card: ModelCard) -> None:
        """The worker has other nets from now on, and the bot has heard of it."""
        self.painter.card = card
        await until(lambda: self.studio is not None and self.studio.queue.card is card)

    async def has_timed(self, timings: Timings) -> None:
        """The worker has found out how fast it is, and the bot has heard of it."""
        self.painter.timings = timings
        looks = self.painter.looks
        await until(lambda: self.painter.looks > looks + 1)  # the bot looks again when it knows what the last look said

    async def has_trouble(self, *, trouble: bool = True) -> None:
        """Returns when the queue says that something has to be mended, or that all is well."""
        await until(lambda: self.studio is not None and (self.studio.queue.trouble is not None) is trouble)

    async def reopen(self) -> None:
        """Stops and starts the bot; what the painter had in hand is lost."""
        await self.close()
        before, self.painter = self.painter, self.new_painter()
        self.painter.card, self.painter.answers = before.card, before.answers
        await self.open()


def _hook() -> dict[str, Any]:
    """Settings of a webhook at a port that nobody has."""
    port = free_port()
    return {"webhook_url": f"http://127.0.0.1:{port}/telegram", "webhook_port": port, "webhook_secret": "hush" * 8}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `both_ways` is played over polling and over webhook, the rest over what is asked for."""
    if "way" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_ways") is not None:
        metafunc.parametrize("way", WAYS)


@pytest.fixture
def way(pytestconfig: pytest.Config) -> str:
    """How updates come to the bot."""
    return "webhook" if pytestconfig.getoption("by_webhook") else "polling"


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    yield server
    await server.close()


@pytest.fixture
async def closed_house(
    playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> AsyncIterator[House]:
    house = House(playground, tmp_path, monkeypatch, webhook=way == "webhook")
    yield house
    if house.studio is not None and not house.task.done():
        await house.close()
    with contextlib.suppress(asyncio.CancelledError):
        await house.painter.close()


@pytest.fixture
async def house(closed_house: House) -> House:
    await closed_house.open()
    return closed_house


@pytest.fixture
async def every_mode(house: House) -> House:
    """The bot has heard that this model knows every mode."""
    await house.learns(ALL_MODES)
    return house


@pytest.fixture
async def named(playground: Playground) -> AsyncIterator[Callable[..., Person]]:
    async with aiohttp.ClientSession() as session:

        def person(user: int = 1001, language: str = "en", chat: int | None = None) -> Person:
            return Person(session, playground.url, user, language, chat)

        yield person


@pytest.fixture
def anna(named: Callable[..., Person]) -> Person:
    return named(1001, "en")
