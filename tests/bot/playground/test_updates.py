from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import SendMessage, SendPhoto, TelegramMethod
from aiogram.types import BufferedInputFile, Message, WebhookInfo
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from bot.playground import Playground
from tests.bot.playground.conftest import TOKEN, Raw, Sim, client, picture
from tests.waiting import until


async def test_a_poll_holds_until_somebody_writes(bot: Bot, sim: Sim) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await sim.polled()
    assert not poll.done()
    said = await sim.say("привет", name="Анна Белова", username="anna", language="ru")
    (update,) = await asyncio.wait_for(poll, 5)
    assert update.update_id == said["update_id"]
    assert update.message is not None
    assert update.message.from_user is not None
    person = update.message.from_user
    assert (person.full_name, person.username, person.language_code) == ("Анна Белова", "anna", "ru")
    assert (update.message.chat.id, update.message.chat.type, update.message.text) == (1001, "private", "привет")


async def test_a_poll_without_news_ends_empty_when_its_time_is_over(bot: Bot) -> None:
    assert await bot.get_updates(timeout=1) == []


async def test_the_offset_confirms_what_lies_before_it(bot: Bot, sim: Sim) -> None:
    ids = [(await sim.say(text))["update_id"] for text in ("one", "two", "three")]
    assert [it.update_id for it in await bot.get_updates(limit=2)] == ids[:2]
    assert [it.update_id for it in await bot.get_updates()] == ids, "nothing was confirmed"
    assert [it.update_id for it in await bot.get_updates(offset=ids[1])] == ids[1:]
    assert [it.update_id for it in await bot.get_updates(offset=-1)] == ids[2:]
    assert await bot.get_updates(offset=ids[2] + 1) == []


async def test_a_second_poller_ends_the_first_with_a_conflict(bot: Bot, sim: Sim) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await sim.polled()
    async with client(sim.url) as twin:
        second = asyncio.create_task(twin.get_updates(timeout=30))
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request; make sure that only"):
            await asyncio.wait_for(first, 5)
        await sim.say("for the survivor")
        assert len(await asyncio.wait_for(second, 5)) == 1


async def test_only_allowed_updates_arrive_and_the_choice_is_remembered(bot: Bot, sim: Sim) -> None:
    said = await sim.say("hi")
    assert (await sim.post("react", user=1001, message_id=1, emoji="👍"))["update_id"] is None, "not in the default"
    await bot.get_updates(offset=said["update_id"] + 1, allowed_updates=["message_reaction"])
    assert (await sim.say("unheard"))["update_id"] is None
    assert (await sim.post("react", user=1001, message_id=1, emoji="🔥"))["update_id"] is not None
    (update,) = await bot.get_updates()
    assert update.message_reaction is not None
    assert [it.emoji for it in update.message_reaction.old_reaction] == ["👍"]
    assert [it.emoji for it in update.message_reaction.new_reaction] == ["🔥"]
    await bot.get_updates(allowed_updates=[])
    assert (await sim.say("heard again"))["update_id"] is not None


async def test_update_and_message_ids_rise_through_a_reset(bot: Bot, sim: Sim) -> None:
    before = await sim.say("one")
    await sim.post("reset")
    assert await sim.transcript() == []
    assert await bot.get_updates() == []
    after = await sim.say("two")
    assert after["update_id"] > before["update_id"]
    assert after["message"]["id"] > before["message"]["id"]


async def test_a_redelivered_update_comes_once_more_with_the_same_id(bot: Bot, sim: Sim) -> None:
    said = await sim.say("draw a fox")
    await bot.get_updates()
    assert await bot.get_updates(offset=said["update_id"] + 1) == []
    await sim.post("redeliver", update_id=said["update_id"])
    (again,) = await bot.get_updates(offset=said["update_id"] + 1)
    assert again.update_id == said["update_id"]
    assert await bot.get_updates(offset=said["update_id"] + 1) == []
    assert (await sim.get("updates"))["updates"][-1]["delivered"] == 2
    await sim.post("redeliver", status=404, update_id=1)


async def test_malformed_tokens_and_another_secret_for_a_known_bot_are_unauthorized(
    bot: Bot, raw: Raw, playground: Playground
) -> None:
    unauthorized = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert await raw("getMe", token="123456:short") == unauthorized
    assert await raw("getMe", token="letters:" + "A" * 35) == unauthorized
    async with client(playground.url, "123456:" + "Z" * 35) as impostor:
        with pytest.raises(TelegramUnauthorizedError):
            await impostor.get_me()


async def test_a_bot_of_aiogram_polls_answers_and_stops(playground: Playground, bot: Bot, sim: Sim) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.answer(f"you said {message.text}")

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    await sim.say("hello")
    [answer] = await sim.answers(1)
    await dispatcher.stop_polling()
    await polling
    assert answer["text"] == "you said hello"


class Receiver:
    """A webhook of a bot that refuses the first `refusals` deliveries."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[tuple[str | None, dict[str, Any]]] = []
        self.refusals = 0
        self.arrived = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.Response:
        async with self.arrived:
            secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
            self.received.append((secret, await request.json()))
            self.arrived.notify_all()
        if len(self.received) <= self.refusals:
            return web.Response(status=503)
        return web.Response()

    async def has(self, count: int) -> None:
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: len(self.received) >= count), 10)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    it = Receiver()
    app = web.Application()
    app.router.add_post("/hook", it.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield it
    await runner.cleanup()


async def test_a_webhook_gets_updates_with_its_secret_and_again_after_a_refusal(
    bot: Bot, sim: Sim, receiver: Receiver
) -> None:
    receiver.refusals = 1
    await bot.set_webhook(receiver.url, secret_token="s3cret")
    said = await sim.say("hi")
    await receiver.has(2)
    assert [(secret, it["update_id"]) for secret, it in receiver.received] == [("s3cret", said["update_id"])] * 2

    async def delivered() -> WebhookInfo | None:
        info = await bot.get_webhook_info()
        return info if info.pending_update_count == 0 else None

    info = await until(delivered)
    assert info is not None and info.url == receiver.url
    assert "503" in (info.last_error_message or "")
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_a_webhook_gets_the_updates_of_one_chat_in_order_and_does_not_hold_up_the_others(
    bot: Bot, sim: Sim, receiver: Receiver
) -> None:
    receiver.refusals = 1
    await bot.set_webhook(receiver.url)
    one = (await sim.say("one"))["update_id"]
    await receiver.has(1)
    two = (await sim.say("two"))["update_id"]
    stranger = (await sim.say("hello", user=1002))["update_id"]
    await receiver.has(4)
    ids = [it["update_id"] for _, it in receiver.received]
    assert [it for it in ids if it != stranger] == [one, one, two]
    assert ids.index(stranger) == 1, "while the first chat waits for its second attempt"


async def test_setting_a_webhook_ends_a_poll_that_holds(bot: Bot, sim: Sim, receiver: Receiver) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await sim.polled()
    await bot.set_webhook(receiver.url)
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await asyncio.wait_for(poll, 5)


async def test_webhooks_stay_on_this_machine(bot: Bot) -> None:
    for url in ("http://example.org/hook", "https://example.org/hook", "ftp://127.0.0.1/hook", "http://["):
        with pytest.raises(TelegramBadRequest, match="bad webhook"):
            await bot.set_webhook(url)
    with pytest.raises(TelegramBadRequest, match="secret token contains unallowed characters"):
        await bot.set_webhook("http://127.0.0.1:9/hook", secret_token="no spaces")


async def test_a_bot_may_answer_a_webhook_with_a_call(playground: Playground, bot: Bot, sim: Sim) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def reply(message: Message) -> TelegramMethod[Any]:
        if message.text == "photo":
            return SendPhoto(chat_id=message.chat.id, photo=BufferedInputFile(picture(40, 30), "p.png"))
        return SendMessage(chat_id=message.chat.id, text="in the answer")

    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token="x").register(app, "/hook")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="x")
    await sim.say("text")
    await sim.say("photo")
    answers = await sim.answers(2)
    await bot.delete_webhook()
    await runner.cleanup()
    assert answers[0]["text"] == "in the answer"
    assert answers[1]["photo"]["width"] == 40


async def test_calls_come_as_query_form_and_json(playground: Playground, http: aiohttp.ClientSession, sim: Sim) -> None:
    await sim.say("hi")
    address = f"{playground.url}/bot{TOKEN}/sendmessage"
    fields = {"chat_id": "1001", "text": "hello", "disable_notification": "True"}
    async with http.get(address, params=fields) as answer:
        assert (await answer.json())["ok"]
    async with http.post(address, data=fields) as answer:
        assert (await answer.json())["ok"]
    async with http.post(address, json={"chat_id": 1001, "text": "hello", "link_preview_options": None}) as answer:
        assert (await answer.json())["ok"]
    assert len(await sim.transcript()) == 4
