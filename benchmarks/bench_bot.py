"""An update through the whole bot against bare aiogram: what middlewares, the person's row, texts and pacing cost.

Both sides answer through a session that reaches no network, so that only the program's own work is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from aiogram import Bot
from aiogram import Dispatcher as Updates
from aiogram.client.session.base import BaseSession
from aiogram.methods import TelegramMethod
from aiogram.types import Chat, Message, User

import bot.app as app
import bot.telegram.connection as connection
from benchmarks.harness import Row, compare, cpu_ms, row
from bot.settings import Settings
from bot.telegram.outbox import Outbox
from bot.telegram.pacing import Pace, Window
from inference.queue.figures import WorkerSeen
from inference.queue.transport import Assignment, Capacity, Delivery, JobReport, WorkerOffer
from inference.requests import Ability, ModelCard, Progress, Started, Texts

TOKEN = "123456:" + "A" * 35
PERSONS = 100
BATCH = 100  # updates a measurement
PROMPTS = 10
PATIENT_UPDATES = 500  # for percentiles
MOST_OWN_MS = 5.0
EVERY_SECONDS = 0.05  # between the steps of the engine that is busy
ROOMY = Pace((Window(10**6, 1.0),), (Window(10**6, 1.0),), 1e6)
CARD = ModelCard(
    label=Texts(ru="Kandinsky 3.1", en="Kandinsky 3.1"),
    abilities=dict.fromkeys(("flash", "full"), Ability(sizes={"1:1": (1024, 1024)})),
)

RawUpdate = dict[str, Any]


class NowhereSession(BaseSession):
    """Telegram that says yes to everything, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> Any:
        self.calls += 1
        if method.__api_method__ == "getMe":
            return User(id=bot.id, is_bot=True, first_name="Studio", username="studio_bot")
        chat = getattr(method, "chat_id", None)
        if method.__api_method__.startswith("send") and isinstance(chat, int):
            return Message(message_id=self.calls, date=0, chat=Chat(id=chat, type="private"))  # type: ignore[arg-type]
        return True

    async def close(self) -> None:
        pass

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""


class EndlessDelivery:
    """A worker that takes four jobs and is never done with them; a step is reported only while `busy` is set."""

    owns_workers = True

    def __init__(self) -> None:
        self.busy = asyncio.Event()
        self._jobs: list[int] = []
        self._reports: asyncio.Queue[JobReport] = asyncio.Queue()

    async def start(self) -> None:
        self._drawing = asyncio.create_task(self._draw())

    async def close(self, grace_seconds: float = 10.0) -> None:
        self._drawing.cancel()
        await asyncio.wait([self._drawing])

    async def capacity(self) -> Capacity:
        return Capacity(workers=(WorkerOffer(slots=4, card=CARD),))

    def seen(self) -> tuple[WorkerSeen, ...]:
        return ()

    def where(self, job_id: int) -> str | None:
        return "" if job_id in self._jobs else None

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        self._jobs.append(assignment.job_id)
        self._reports.put_nowait(JobReport(job_id=assignment.job_id, event=Started()))

    async def cancel(self, job_id: int) -> None:
        raise NotImplementedError("nobody cancels here")

    async def known(self) -> frozenset[int]:
        return frozenset(self._jobs)

    async def events(self) -> AsyncIterator[JobReport]:
        while True:
            yield await self._reports.get()

    async def _draw(self) -> None:
        for step in itertools.count():
            await self.busy.wait()
            for job_id in self._jobs:
                self._reports.put_nowait(
                    JobReport(job_id=job_id, event=Progress(stage="drawing", step=step % 50, of=50))
                )
            await asyncio.sleep(EVERY_SECONDS)


class Bench:
    """Both bots in one loop, and updates for them: every one from the next of `PERSONS` people."""

    def __init__(self, loop: asyncio.AbstractEventLoop, studio: app.Running, delivery: EndlessDelivery) -> None:
        self.delivery = delivery
        self._loop = loop
        self._numbers = itertools.count(1)
        self._ours = (studio.bot, studio.updates)
        self._bare = (Bot(TOKEN, session=NowhereSession()), bare_updates())

    def cpu(self, case: str, texts: Callable[[], str], *, updates: int = BATCH, **options: Any) -> Row:
        """CPU milliseconds of one update."""
        ours, bare = (lambda side=side: self._feed(side, texts, updates) for side in (self._ours, self._bare))
        return compare(
            "bot", case, ours, bare, baseline_name="bare aiogram", clock=lambda feed: cpu_ms(feed) / updates, **options
        )

    def own_times(self, case: str, texts: Callable[[], str]) -> Iterator[Row]:
        """Milliseconds on the clock from an update's arrival until its handler has ended."""
        self._feed(self._ours, texts, BATCH)
        runs = [
            tuple(_percentiles(self._feed(side, texts, PATIENT_UPDATES)) for side in (self._ours, self._bare))
            for _ in range(3)
        ]
        for name, at in (("p50", 0), ("p99", 1)):
            figures = [(ours[at], bare[at]) for ours, bare in runs]
            yield row("bot", f"{case}: {name} own time", figures, baseline_name="bare aiogram")
        limits = [(ours[1], MOST_OWN_MS) for ours, _ in runs]
        yield row("bot", f"{case}: p99 own time", limits, baseline_name="limit", target=1.0)

    def _feed(self, side: tuple[Bot, Updates], texts: Callable[[], str], updates: int) -> list[float]:
        return self._loop.run_until_complete(self._feed_all(*side, texts, updates))

    async def _feed_all(self, bot: Bot, updates: Updates, texts: Callable[[], str], count: int) -> list[float]:
        times = []
        session = bot.session
        assert isinstance(session, NowhereSession)
        for _ in range(count):
            raw, calls = self._update(texts()), session.calls
            start = time.perf_counter()
            await updates.feed_raw_update(bot, raw)
            times.append((time.perf_counter() - start) * 1e3)
            if session.calls == calls:
                raise RuntimeError(f"no answer to {raw['message']['text']!r}")
        return times

    def _update(self, text: str) -> RawUpdate:
        number = next(self._numbers)
        person = 1000 + number % PERSONS
        return {
            "update_id": number,
            "message": {
                "message_id": number,
                "date": 1_760_000_000,
                "chat": {"id": person, "type": "private", "first_name": "Anna"},
                "from": {"id": person, "is_bot": False, "first_name": "Anna", "language_code": "en"},
                "text": text,
            },
        }


def bare_updates() -> Updates:
    """aiogram with one handler that answers."""

    async def answer(message: Message) -> None:
        await message.answer("Here is what I know: /help")

    updates = Updates(disable_fsm=True)
    updates.message.register(answer)
    return updates


@contextlib.asynccontextmanager
async def opened_studio(folder: Path, delivery: Delivery) -> AsyncIterator[app.Running]:
    """The bot as `python -m bot run` puts it together, but for the network, the worker and Telegram's limits."""
    settings = Settings(
        _env_file=None,
        bot_token=TOKEN,
        data_dir=folder,
        shutdown_grace_seconds=0,
        waiting_per_person=100,
        queue_cap=10_000,
        max_wait_minutes=24 * 60,
    )
    nowhere = mock.patch.object(connection, "make_bot", lambda settings: Bot(settings.token, session=NowhereSession()))
    ours = mock.patch.multiple(app, delivery_of=lambda _settings, _blobs: delivery, Outbox=lambda: Outbox(ROOMY))
    with nowhere, ours:
        async with app.open_studio(settings, asyncio.Event()) as studio:
            assert studio is not None
            yield studio


def rows() -> Iterator[Row]:
    """Light commands first, while the engine rests; then prompts, and people's commands while it draws for them."""
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder:
        delivery = EndlessDelivery()
        opened = opened_studio(Path(folder), delivery)
        bench = Bench(loop, loop.run_until_complete(opened.__aenter__()), delivery)
        prompts = (f"a fox in the forest, watercolour, number {number}" for number in itertools.count())
        yield bench.cpu("/help: CPU", lambda: "/help", target=0.5)
        yield bench.cpu("unknown command: CPU", lambda: "/nonsense", target=0.5)
        yield bench.cpu("prompt accepted, on disk: CPU", lambda: next(prompts), updates=PROMPTS, repeats=3)
        delivery.busy.set()
        yield from bench.own_times("/help while an engine reports", lambda: "/help")
        loop.run_until_complete(opened.__aexit__(None, None, None))
    loop.close()


def _percentiles(times: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    for measured in rows():
        print(json.dumps(measured.as_json()), flush=True)
