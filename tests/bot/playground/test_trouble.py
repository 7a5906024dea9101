from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter, TelegramServerError
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from bot.playground import Playground, serve
from tests.bot.playground.conftest import TOKEN, Sim, client, picture

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="1", callback_data="up:1")]])


async def test_a_flood_is_refused_with_its_seconds_as_often_as_planned(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await sim.post("faults", method="sendMessage", retry_after=3, count=2)
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter, match="Too Many Requests: retry after 3") as refusal:
            await bot.send_message(1001, "x")
        assert refusal.value.retry_after == 3
    await bot.send_message(1001, "through")
    assert [it["text"] for it in await sim.transcript()] == ["hi", "through"]
    calls = (await sim.get("calls", method="sendMessage"))["calls"]
    assert [(it["status"], it["fault"] is not None) for it in calls] == [(429, True), (429, True), (200, False)]


async def test_a_server_error_may_come_after_the_call_was_performed(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    fault = {"method": "*", "status": 502, "when": "after"}
    async with sim.session.post(f"{sim.url}/sim/faults", json=fault) as answer:
        assert answer.status == 200
    with pytest.raises(TelegramServerError):
        await bot.send_message(1001, "sent all the same")
    assert (await sim.transcript())[-1]["text"] == "sent all the same"


@pytest.mark.parametrize(("when", "arrived"), [("before", False), ("after", True)])
async def test_a_dropped_connection_leaves_the_bot_without_an_answer(
    bot: Bot, sim: Sim, when: str, arrived: bool
) -> None:
    await sim.say("hi")
    await sim.post("faults", method="sendPhoto", drop=True, when=when)
    with pytest.raises(TelegramNetworkError):
        await bot.send_photo(1001, BufferedInputFile(picture(16, 16), "p.png"))
    assert [bool(it["photo"]) for it in await sim.transcript()] == ([False, True] if arrived else [False])
    assert (await sim.get("calls", method="sendPhoto"))["calls"][-1]["status"] == 0


async def test_a_delay_makes_a_call_slow_and_faults_can_be_called_off(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await sim.post("faults", method="sendMessage", delay=0.2, count=None)
    began = time.monotonic()
    await bot.send_message(1001, "x")
    assert time.monotonic() - began >= 0.2
    assert (await sim.get("faults"))["faults"][0]["left"] is None
    async with sim.session.delete(f"{sim.url}/sim/faults") as answer:
        assert answer.status == 200
    assert (await sim.get("faults"))["faults"] == []


async def test_faults_for_one_chat_spare_the_others_and_a_star_spares_polls(bot: Bot, sim: Sim) -> None:
    await sim.say("hi", user=1)
    await sim.say("hi", user=2)
    await sim.post("faults", method="*", retry_after=1, chat=2)
    await bot.get_updates()
    await bot.send_message(1, "x")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(2, "x")


async def test_the_call_log_shows_files_by_name_size_and_sum(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    content = picture(16, 16)
    await bot.send_photo(1001, BufferedInputFile(content, "p.png"), caption="c", reply_markup=KEYBOARD)
    call = (await sim.get("calls", method="sendPhoto"))["calls"][0]
    assert call["params"]["photo"]["file_name"] == "p.png"
    assert call["params"]["photo"]["size"] == len(content)
    assert call["params"]["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "up:1"
    assert TOKEN.partition(":")[2] not in str(call)


async def test_chats_files_waiting_updates_and_buttons_outlive_a_restart(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    first = await serve(port=0, state_dir=tmp_path, strict=True)
    async with client(first.url) as bot:
        await bot.get_me()
        await bot.set_my_name("Kandinsky")
        sim = Sim(first.url, http)
        old = await sim.say("a fox", name="Анна", language="ru")
        grid = await bot.send_photo(
            1001, BufferedInputFile(picture(200, 100), "p.png"), caption="grid", reply_markup=KEYBOARD
        )
        before = await sim.transcript()
        content = await sim.bytes_of(before[-1]["photo"]["file_url"])
    await first.close()

    second = await serve(port=0, state_dir=tmp_path, strict=True)
    sim = Sim(second.url, http)
    assert await sim.transcript() == before
    assert await sim.bytes_of(before[-1]["photo"]["file_url"]) == content
    pressed = await sim.post("press", user=1001, message_id=grid.message_id, button="1", wait=0)
    async with client(second.url) as bot:
        assert (await bot.get_me()).first_name == "Kandinsky"
        updates = await bot.get_updates()
        assert [it.update_id for it in updates] == [old["update_id"], pressed["update_id"]]
        assert updates[1].callback_query is not None
        await bot.answer_callback_query(updates[1].callback_query.id)
        assert grid.photo is not None
        again = await bot.send_photo(1001, grid.photo[-1].file_id)
        assert again.message_id == grid.message_id + 1
        await bot.edit_message_caption(chat_id=1001, message_id=grid.message_id, caption="still here")
    await second.close()


async def test_nothing_of_a_reset_comes_back_after_a_restart(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    first = await serve(port=0, state_dir=tmp_path, strict=True)
    async with client(first.url) as bot:
        await bot.get_me()
        sim = Sim(first.url, http)
        said = await sim.say("a fox")
        await bot.send_photo(1001, BufferedInputFile(picture(20, 10), "p.png"))
        await sim.post("reset")
    await first.close()
    assert not list((tmp_path / "files").iterdir())
    second = await serve(port=0, state_dir=tmp_path, strict=True)
    sim = Sim(second.url, http)
    assert (await sim.get("chats"))["chats"] == []
    assert (await sim.say("again"))["update_id"] > said["update_id"]
    await second.close()


async def test_pages_of_other_sites_cannot_drive_it(playground: Playground, sim: Sim) -> None:
    said = f"{playground.url}/sim/message"
    body = {"user": 1001, "text": "x"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Host": "evil.example"},
        {"Host": "["},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        async with sim.session.post(said, json=body, headers=headers) as answer:
            assert answer.status == 403, headers
        async with sim.session.get(f"{playground.url}/bot{TOKEN}/getMe", headers=headers) as answer:
            assert answer.status == 403, headers
    async with sim.session.post(said, json=body, headers={"Origin": playground.url}) as answer:
        assert answer.status == 200
    port = playground.port
    async with sim.session.post(said, json=body, headers={"Host": f"localhost:{port}"}) as answer:
        assert answer.status == 200


async def test_another_name_that_it_is_known_as_is_answered_to_and_no_third(sim: Sim) -> None:
    with pytest.raises(ValueError, match="no passwords"):
        await serve("0.0.0.0", 0)
    elsewhere = await serve("0.0.0.0", 0, known_as=["Playground"])
    try:
        assert elsewhere.url == f"http://127.0.0.1:{elsewhere.port}"
        names = {"playground:8081": 200, "localhost:8081": 200, "evil.example": 403, "playground.evil.example": 403}
        for host, status in names.items():
            async with sim.session.get(f"{elsewhere.url}/bot{TOKEN}/getMe", headers={"Host": host}) as answer:
                assert answer.status == status, host
    finally:
        await elsewhere.close()


async def test_documents_are_downloads_and_never_pages_of_ours(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await bot.send_document(1001, BufferedInputFile(b"<script>alert(1)</script>", "x.html"))
    seen = (await sim.transcript())[-1]["document"]
    async with sim.session.get(sim.url + seen["file_url"]) as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_it_refuses_to_be_reached_from_other_machines() -> None:
    with pytest.raises(ValueError, match="can be reached from other machines"):
        await serve(host="0.0.0.0", port=0)


async def test_a_call_costs_about_a_millisecond(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    for index in range(100):
        await bot.send_message(1001, f"<b>line</b> {index}", parse_mode="HTML", reply_markup=KEYBOARD)
    costs = sorted(it["ms"] for it in (await sim.get("calls", method="sendMessage"))["calls"])
    assert costs[25] < 2
