"""Updates over real HTTP, by polling and by webhook, from the playground."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError, TelegramUnauthorizedError
from aiogram.methods import TelegramMethod
from aiogram.types import Message
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.playground import Playground, serve
from bot.telegram.inbox import Inbox
from bot.telegram.polling import poll
from bot.telegram.webhook import SECRET_HEADER, Door, serve_webhook
from tests.bot.wire import TOKEN, scripted_bot
from tests.ports import free_port
from tests.waiting import until

SECRET = "a_long_enough_secret"


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    yield server
    await server.close()


@pytest_asyncio.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(playground.url))
    bot = Bot(TOKEN, session=session)
    await bot.get_me()
    yield bot
    await session.close()


Handler = Callable[[Message], Awaitable[None]]


async def sim(playground: Playground, path: str, **fields: Any) -> Any:
    verb = "POST" if fields else "GET"
    async with aiohttp.request(verb, f"{playground.url}/sim/{path}", json=fields or None) as response:
        return await response.json()


async def nothing_pending(playground: Playground) -> bool:
    return (await sim(playground, "bots"))["bots"][0]["pending_updates"] == 0


def dispatcher_of(handler: Handler) -> Dispatcher:
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.message.register(handler)
    return dispatcher


class Polling:
    """A bot that polls, until it is stopped as by SIGTERM or gone as by kill -9."""

    def __init__(self, bot: Bot, database: AsyncEngine, handler: Handler, drain_seconds: float = 10.0) -> None:
        self.bot, self.stop = bot, asyncio.Event()
        self.inbox = Inbox(bot, dispatcher_of(handler), database)
        self.task = asyncio.create_task(self._run(drain_seconds))

    async def _run(self, drain_seconds: float) -> None:
        async with self.inbox.open(drain_seconds):
            await poll(self.bot, self.inbox, self.stop, allowed_updates=["message"])

    async def end(self) -> None:
        self.stop.set()
        await self.task


async def test_polling_hears_everybody_at_once(playground: Playground, bot: Bot, database: AsyncEngine) -> None:
    heard: list[str] = []
    meeting = asyncio.Barrier(3)

    async def listen(message: Message) -> None:
        await meeting.wait()  # passes only when three handlers run side by side
        heard.append(message.text or "")

    for user in (1, 2, 3):
        await sim(playground, "message", user=user, text=f"hello {user}")
    polling = Polling(bot, database, listen)
    await until(lambda: len(heard) == 3)
    await polling.end()
    assert await nothing_pending(playground)


async def test_a_slow_handler_holds_up_nobody(playground: Playground, bot: Bot, database: AsyncEngine) -> None:
    heard: list[str] = []
    free = asyncio.Event()

    async def listen(message: Message) -> None:
        if message.text == "slow":
            await free.wait()
        heard.append(message.text or "")

    polling = Polling(bot, database, listen)
    await sim(playground, "message", user=1, text="slow")
    await sim(playground, "message", user=2, text="quick")
    await until(lambda: heard == ["quick"])
    free.set()
    await until(lambda: heard == ["quick", "slow"])
    await polling.end()


async def test_stopping_waits_for_the_handlers_that_run(
    playground: Playground, bot: Bot, database: AsyncEngine
) -> None:
    began, free, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def listen(message: Message) -> None:
        began.set()
        await free.wait()
        await message.answer("done")
        ended.set()

    polling = Polling(bot, database, listen)
    await sim(playground, "message", user=1, text="draw")
    await began.wait()
    polling.stop.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not polling.task.done()
    free.set()
    await polling.task
    assert ended.is_set()
    assert [message["text"] for message in (await sim(playground, "transcript?chat=1"))["messages"]] == ["draw", "done"]
    assert await nothing_pending(playground)


async def test_what_the_shutdown_cuts_short_is_handled_at_the_next_start(
    playground: Playground, bot: Bot, database: AsyncEngine
) -> None:
    began: list[str] = []
    cancelled = asyncio.Event()

    async def listen(message: Message) -> None:
        began.append(message.text or "")
        if len(began) == 1:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    polling = Polling(bot, database, listen, drain_seconds=0.05)
    await sim(playground, "message", user=1, text="draw")
    await until(lambda: began == ["draw"])
    await polling.end()
    assert cancelled.is_set()
    assert await nothing_pending(playground), "it is in the inbox"
    polling = Polling(bot, database, listen)
    await until(lambda: began == ["draw", "draw"])
    await polling.end()


async def test_nothing_is_confirmed_that_is_not_written_down(
    playground: Playground, bot: Bot, database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    async with database.connect() as elsewhere:
        await elsewhere.exec_driver_sql("alter table inbox rename to gone")
        await elsewhere.commit()
        polling = Polling(bot, database, listen)
        await sim(playground, "message", user=1, text="draw")
        await until(lambda: "the inbox cannot be written" in caplog.text)
        assert not await nothing_pending(playground)
        await elsewhere.exec_driver_sql("alter table gone rename to inbox")
        await elsewhere.commit()
    await until(lambda: heard == ["draw"])
    await polling.end()
    assert await nothing_pending(playground)
    assert "Traceback" not in caplog.text


async def test_polling_goes_on_after_refusals_and_dropped_connections(
    playground: Playground, bot: Bot, database: AsyncEngine
) -> None:
    heard = asyncio.Event()

    async def listen(_message: Message) -> None:
        heard.set()

    await sim(playground, "faults", method="getUpdates", status=502, count=1)
    await sim(playground, "faults", method="getUpdates", drop=True, count=2)
    polling = Polling(bot, database, listen)
    await sim(playground, "message", user=1, text="still there?")
    await asyncio.wait_for(heard.wait(), 20)
    await polling.end()


async def test_an_answer_is_a_sign_of_life_even_an_empty_one_and_a_failure_is_none(database: AsyncEngine) -> None:
    def failed(method: TelegramMethod[Any]) -> Exception:
        return TelegramNetworkError(method=method, message="cut")

    def revoked(method: TelegramMethod[Any]) -> Exception:
        return TelegramUnauthorizedError(method=method, message="Unauthorized")

    bot, _session = scripted_bot(getUpdates=[[], failed, [], failed, revoked])
    inbox = Inbox(bot, Dispatcher(), database)
    answers: list[None] = []
    async with inbox.open(1.0):
        with pytest.raises(TelegramUnauthorizedError):
            await poll(bot, inbox, asyncio.Event(), allowed_updates=["message"], on_answer=lambda: answers.append(None))
    assert len(answers) == 2


async def test_polling_ends_when_the_token_is_revoked(database: AsyncEngine) -> None:
    bot, _session = scripted_bot(
        getUpdates=[lambda method: TelegramUnauthorizedError(method=method, message="Unauthorized")]
    )
    inbox = Inbox(bot, Dispatcher(), database)
    async with inbox.open(1.0):
        with pytest.raises(TelegramUnauthorizedError):
            await poll(bot, inbox, asyncio.Event(), allowed_updates=["message"])


async def test_a_failing_handler_is_logged_and_polling_goes_on(
    playground: Playground, bot: Bot, database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")
        if message.text == "bad":
            raise ZeroDivisionError

    polling = Polling(bot, database, listen)
    await sim(playground, "message", user=1, text="bad")
    await sim(playground, "message", user=1, text="good")
    await until(lambda: heard == ["bad", "good"])
    await polling.end()
    assert "ZeroDivisionError" in caplog.text


@contextlib.asynccontextmanager
async def webhook(bot: Bot, database: AsyncEngine, handler: Handler) -> AsyncIterator[tuple[str, asyncio.Event]]:
    port, stop = free_port(), asyncio.Event()
    url = f"http://127.0.0.1:{port}/telegram"
    inbox = Inbox(bot, dispatcher_of(handler), database)

    async def run() -> None:
        async with inbox.open(10.0):
            await serve_webhook(
                bot, inbox, stop, url=url, secret=SECRET, host="127.0.0.1", port=port, allowed_updates=["message"]
            )

    serving = asyncio.create_task(run())

    async def is_set() -> bool:
        return (await bot.get_webhook_info()).url == url

    await until(is_set)
    yield url, stop
    stop.set()
    await serving


def update(text: str) -> dict[str, Any]:
    chat = {"id": 1, "type": "private", "first_name": "Anna"}
    sender = {"id": 1, "is_bot": False, "first_name": "Anna"}
    return {"update_id": 1, "message": {"message_id": 5, "date": 0, "chat": chat, "from": sender, "text": text}}


async def post(url: str, body: Any = None, **given: Any) -> int:
    """What the webhook answers; the secret is right unless headers are given."""
    given = {"json": body} | given if body is not None else given
    given = {"headers": {SECRET_HEADER: SECRET}} | given
    async with aiohttp.ClientSession() as session, session.post(url, **given) as response:
        return response.status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SECRET_HEADER: "wrong"},
        {SECRET_HEADER: SECRET[:-1]},
        {SECRET_HEADER: "пароль"},
        {SECRET_HEADER: SECRET + "\u00e9"},
        {SECRET_HEADER: ""},
    ],
)
async def test_the_webhook_refuses_whoever_does_not_know_the_secret(
    bot: Bot, database: AsyncEngine, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    async with webhook(bot, database, listen) as (url, _stop):
        assert await post(url, update("intruder"), headers=headers) == 401
        assert await post(url, update("telegram")) == 200
        await until(lambda: heard == ["telegram"])
    assert "Traceback" not in caplog.text


JSON = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (400, {"data": b"", "headers": JSON}),
        (400, {"data": b"{", "headers": JSON}),
        (400, {"data": b"\xff\xfe", "headers": JSON}),
        (400, {"json": []}),
        (400, {"json": None, "headers": JSON, "data": b"null"}),
        (400, {"json": {"message": {}}}),
        (400, {"json": {"update_id": "1"}}),
        (400, {"json": {"update_id": True}}),
        (400, {"json": {"update_id": -1}}),
        (400, {"json": {"update_id": 2**63}}),
        (400, {"json": {"update_id": 10**400}}),
        (400, {"data": b'{"update_id": 1' + b"0" * 5000 + b"}", "headers": JSON}),
        (413, {"data": b" " * 300_000 + b"{}", "headers": JSON}),
        (415, {"data": b"{}", "headers": {SECRET_HEADER: SECRET, "Content-Type": "text/plain"}}),
        (415, {"data": b"{}", "headers": {SECRET_HEADER: SECRET, "Content-Type": "; charset"}}),
        (415, {"data": b"{}", "headers": {**JSON, "Content-Encoding": "gzip"}}),
    ],
)
async def test_what_is_no_update_is_refused_without_a_fuss(
    bot: Bot, database: AsyncEngine, status: int, given: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def listen(_message: Message) -> None: ...

    given = {name: value for name, value in given.items() if value is not None}
    async with webhook(bot, database, listen) as (url, _stop):
        assert await post(url, **given) == status
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "odd",
    [
        {"update_id": 7, "something_new": {"id": 1}},
        {"update_id": 7},
        {"update_id": 7, "message": "text"},
        {"update_id": 7, "message": {**update("x")["message"], "forward_origin": {"type": "telepathy", "date": 0}}},
    ],
)
async def test_an_update_that_nobody_can_read_is_logged_whole_and_taken(
    bot: Bot, database: AsyncEngine, odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    async with webhook(bot, database, listen) as (url, _stop):
        assert await post(url, odd) == 200
        assert await post(url, update("next")) == 200
        await until(lambda: heard == ["next"])
    assert json.dumps(odd) in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_the_webhook_takes_only_posts(bot: Bot, database: AsyncEngine, method: str) -> None:
    async def listen(_message: Message) -> None: ...

    async with (
        webhook(bot, database, listen) as (url, _stop),
        aiohttp.ClientSession() as session,
        session.request(method, url, json=update("x"), headers={SECRET_HEADER: SECRET}) as response,
    ):
        assert response.status == 405


async def test_a_body_that_does_not_end_is_given_up(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    inbox = Inbox(bot, Dispatcher(), database)
    door = Door(inbox, SECRET, body_seconds=0.05)
    application = web.Application()
    application.router.add_post("/telegram", door.answer)
    async with TestServer(application) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = f"POST /telegram HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: {SECRET}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_message_comes_in_by_webhook(playground: Playground, bot: Bot, database: AsyncEngine) -> None:
    async def listen(message: Message) -> None:
        await message.answer(f"you said {message.text}")

    async def answered() -> bool:
        messages = (await sim(playground, "transcript?chat=1"))["messages"]
        return [message["text"] for message in messages] == ["hello", "you said hello"]

    async with webhook(bot, database, listen):
        await sim(playground, "message", user=1, text="hello")
        await until(answered)


async def test_the_webhook_answers_when_an_update_is_written_down_and_drains_at_shutdown(
    bot: Bot, database: AsyncEngine
) -> None:
    began, free, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def listen(_message: Message) -> None:
        began.set()
        await free.wait()
        ended.set()

    async with webhook(bot, database, listen) as (url, stop):
        assert await post(url, update("x")) == 200
        await began.wait()
        stop.set()
        free.set()
    assert ended.is_set()


async def test_a_delivery_that_comes_twice_is_handled_once(bot: Bot, database: AsyncEngine) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    for _start in range(2):  # also where the second comes after a restart
        async with webhook(bot, database, listen) as (url, _stop):
            assert await post(url, update("x")) == 200
            assert await post(url, update("x")) == 200
            assert await post(url, {**update("y"), "update_id": 100 + len(heard)}) == 200
            await until(lambda: heard[-1:] == ["y"])
    assert heard == ["x", "y", "y"]


async def test_the_webhook_has_telegram_keep_what_cannot_be_written_down(
    bot: Bot, database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    async def listen(_message: Message) -> None: ...

    async with webhook(bot, database, listen) as (url, _stop):
        async with database.begin() as connection:
            await connection.exec_driver_sql("drop table inbox")
        assert await post(url, update("x")) == 503
    assert "Traceback" not in caplog.text


async def test_the_webhook_says_that_it_is_well(bot: Bot, database: AsyncEngine) -> None:
    async def listen(_message: Message) -> None: ...

    async with (
        webhook(bot, database, listen) as (url, _stop),
        aiohttp.ClientSession() as session,
        session.get(url.replace("/telegram", "/health")) as response,
    ):
        assert (response.status, await response.text()) == (200, "ok")
