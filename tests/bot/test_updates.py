"""Updates over real HTTP, by polling and by webhook, from the playground."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramUnauthorizedError
from aiogram.types import Message

from bot.playground import Playground, serve
from bot.polling import poll
from bot.webhook import SECRET_HEADER, serve_webhook
from tests.bot.wire import TOKEN, scripted_bot

SECRET = "a_long_enough_secret"


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0)
    yield server
    await server.close()


@pytest_asyncio.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(playground.url))
    bot = Bot(TOKEN, session=session)
    await bot.get_me()
    yield bot
    await session.close()


async def sim(playground: Playground, path: str, **fields: Any) -> Any:
    async with aiohttp.ClientSession() as session:
        request = session.post if fields else session.get
        async with request(f"{playground.url}/sim/{path}", **({"json": fields} if fields else {})) as response:
            return await response.json()


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.01)


async def nothing_pending(playground: Playground) -> bool:
    return (await sim(playground, "bots"))["bots"][0]["pending_updates"] == 0


def dispatcher_of(handler: Callable[[Message], Awaitable[None]]) -> Dispatcher:
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.message.register(handler)
    return dispatcher


async def test_polling_hears_everybody_at_once(playground: Playground, bot: Bot) -> None:
    heard: list[str] = []
    meeting = asyncio.Barrier(3)

    async def listen(message: Message) -> None:
        await meeting.wait()  # passes only when three handlers run side by side
        heard.append(message.text or "")

    for user in (1, 2, 3):
        await sim(playground, "message", user=user, text=f"hello {user}")
    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"]))
    await until(lambda: len(heard) == 3)
    stop.set()
    await polling
    assert await nothing_pending(playground)


async def test_a_slow_handler_does_not_hold_up_the_others_for_long(playground: Playground, bot: Bot) -> None:
    heard: list[str] = []
    free = asyncio.Event()

    async def listen(message: Message) -> None:
        if message.text == "slow":
            await free.wait()
        heard.append(message.text or "")

    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"], patience=0.05))
    await sim(playground, "message", user=1, text="slow")
    await sim(playground, "message", user=2, text="quick")
    await until(lambda: heard == ["quick"])
    free.set()
    await until(lambda: heard == ["quick", "slow"])
    stop.set()
    await polling


async def test_stopping_waits_for_the_handlers_that_run(playground: Playground, bot: Bot) -> None:
    began, free, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def listen(message: Message) -> None:
        began.set()
        await free.wait()
        await message.answer("done")
        ended.set()

    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"], patience=0.05))
    await sim(playground, "message", user=1, text="draw")
    await began.wait()
    stop.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not polling.done()
    free.set()
    await polling
    assert ended.is_set()
    assert [message["text"] for message in (await sim(playground, "transcript?chat=1"))["messages"]] == ["draw", "done"]
    assert await nothing_pending(playground)


async def test_a_handler_that_never_ends_is_given_up_at_shutdown(playground: Playground, bot: Bot) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def listen(_message: Message) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    stop = asyncio.Event()
    polling = asyncio.create_task(
        poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"], patience=0.01, drain_seconds=0.05)
    )
    await sim(playground, "message", user=1, text="draw")
    await began.wait()
    stop.set()
    await polling
    assert cancelled.is_set()


async def test_an_update_that_the_shutdown_cut_short_comes_again(playground: Playground, bot: Bot) -> None:
    began = asyncio.Event()

    async def listen(_message: Message) -> None:
        began.set()
        await asyncio.Event().wait()

    stop = asyncio.Event()
    await sim(playground, "message", user=1, text="draw")
    polling = asyncio.create_task(
        poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"], patience=0.2, drain_seconds=0.05)
    )
    await began.wait()
    stop.set()
    await polling
    assert not await nothing_pending(playground)


async def test_an_update_that_a_crash_cut_short_comes_again(playground: Playground, bot: Bot) -> None:
    began: list[int] = []

    async def listen(message: Message) -> None:
        began.append(message.message_id)
        if len(began) == 1:
            await asyncio.Event().wait()

    await sim(playground, "message", user=1, text="draw")
    crashing = asyncio.create_task(
        poll(bot, dispatcher_of(listen), asyncio.Event(), allowed_updates=["message"], patience=60, drain_seconds=0)
    )
    await until(lambda: len(began) == 1)
    assert not await nothing_pending(playground), "it must not be confirmed before it is handled"
    # A killed process confirms nothing on its way out: take its connection away before ending it.
    session, bot.session = bot.session, scripted_bot()[0].session
    crashing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await crashing
    bot.session = session

    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"]))
    await until(lambda: len(began) == 2)
    stop.set()
    await polling
    assert began[0] == began[1]


async def test_polling_goes_on_after_refusals_and_dropped_connections(playground: Playground, bot: Bot) -> None:
    heard = asyncio.Event()

    async def listen(_message: Message) -> None:
        heard.set()

    await sim(playground, "faults", method="getUpdates", status=502, count=1)
    await sim(playground, "faults", method="getUpdates", drop=True, count=2)
    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"]))
    await sim(playground, "message", user=1, text="still there?")
    await asyncio.wait_for(heard.wait(), 20)
    stop.set()
    await polling


async def test_polling_ends_when_the_token_is_revoked() -> None:
    bot, _session = scripted_bot(
        getUpdates=[lambda method: TelegramUnauthorizedError(method=method, message="Unauthorized")]
    )
    with pytest.raises(TelegramUnauthorizedError):
        await poll(bot, Dispatcher(), asyncio.Event(), allowed_updates=["message"])


async def test_a_failing_handler_is_logged_and_polling_goes_on(
    playground: Playground, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")
        if message.text == "bad":
            raise ZeroDivisionError

    stop = asyncio.Event()
    polling = asyncio.create_task(poll(bot, dispatcher_of(listen), stop, allowed_updates=["message"]))
    await sim(playground, "message", user=1, text="bad")
    await sim(playground, "message", user=1, text="good")
    await until(lambda: heard == ["bad", "good"])
    stop.set()
    await polling
    assert "ZeroDivisionError" in caplog.text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def webhook(bot: Bot, handler: Callable[[Message], Awaitable[None]]) -> AsyncIterator[tuple[str, asyncio.Event]]:
    port, stop = free_port(), asyncio.Event()
    url = f"http://127.0.0.1:{port}/telegram"
    serving = asyncio.create_task(
        serve_webhook(
            bot,
            dispatcher_of(handler),
            stop,
            url=url,
            secret=SECRET,
            host="127.0.0.1",
            port=port,
            allowed_updates=["message"],
        )
    )

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


@pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: "wrong"}, {SECRET_HEADER: SECRET[:-1]}])
async def test_the_webhook_refuses_whoever_does_not_know_the_secret(bot: Bot, headers: dict[str, str]) -> None:
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    async with webhook(bot, listen) as (url, _stop), aiohttp.ClientSession() as session:
        async with session.post(url, json=update("intruder"), headers=headers) as response:
            assert response.status == 401
        async with session.post(url, json=update("telegram"), headers={SECRET_HEADER: SECRET}) as response:
            assert response.status == 200
    assert heard == ["telegram"]


async def test_a_message_comes_in_by_webhook(playground: Playground, bot: Bot) -> None:
    async def listen(message: Message) -> None:
        await message.answer(f"you said {message.text}")

    async def answered() -> bool:
        messages = (await sim(playground, "transcript?chat=1"))["messages"]
        return [message["text"] for message in messages] == ["hello", "you said hello"]

    async with webhook(bot, listen):
        await sim(playground, "message", user=1, text="hello")
        await until(answered)


async def test_the_webhook_answers_only_when_the_update_is_handled_and_drains_at_shutdown(bot: Bot) -> None:
    began, free = asyncio.Event(), asyncio.Event()

    async def listen(_message: Message) -> None:
        began.set()
        await free.wait()

    async with aiohttp.ClientSession() as session:
        async with webhook(bot, listen) as (url, stop):
            posting = asyncio.create_task(session.post(url, json=update("x"), headers={SECRET_HEADER: SECRET}))
            await began.wait()
            stop.set()
            assert not posting.done()
            free.set()
        assert (await posting).status == 200


async def test_the_webhook_says_that_it_is_well(bot: Bot) -> None:
    async def listen(_message: Message) -> None: ...

    async with (
        webhook(bot, listen) as (url, _stop),
        aiohttp.ClientSession() as session,
        session.get(url.replace("/telegram", "/health")) as response,
    ):
        assert (response.status, await response.text()) == (200, "ok")
