from __future__ import annotations

import time
from urllib.parse import parse_qs

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    ReplyKeyboardMarkup,
    WebAppInfo,
)
from aiogram.utils.web_app import check_webapp_signature, safe_parse_webapp_init_data

from tests.bot.playground.conftest import TOKEN, Sim

APP = WebAppInfo(url="http://127.0.0.1:9000/app?x=1")


def started(url: str) -> dict[str, str]:
    """What a web app reads from its address."""
    return {name: values[0] for name, values in parse_qs(url.partition("#")[2]).items()}


async def test_a_button_opens_an_app_that_knows_who_opened_it_and_its_bot_can_check(bot: Bot, sim: Sim) -> None:
    await sim.say("hi", name="Анна Белова", username="anna", language="ru")
    button = InlineKeyboardButton(text="Draw", web_app=APP)
    sent = await bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))
    pressed = await sim.post("press", user=1001, message_id=sent.message_id, button="Draw")
    assert pressed["url"].startswith("http://127.0.0.1:9000/app?x=1#tgWebAppData=")
    data = started(pressed["url"])["tgWebAppData"]
    assert not check_webapp_signature("123456:another", data)
    about = safe_parse_webapp_init_data(TOKEN, data)
    assert about.user is not None
    assert (about.user.id, about.user.first_name, about.user.last_name) == (1001, "Анна", "Белова")
    assert (about.user.username, about.user.language_code) == ("anna", "ru")
    assert abs(about.auth_date.timestamp() - time.time()) < 60
    assert about.query_id is not None
    article = InlineQueryResultArticle(
        id="1", title="t", input_message_content=InputTextMessageContent(message_text="<b>drawn</b>", parse_mode="HTML")
    )
    await bot.answer_web_app_query(about.query_id, article)
    posted = (await sim.transcript())[-1]
    assert (posted["text"], posted["from"]["id"], posted["via_bot"]["id"]) == ("drawn", 1001, bot.id)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_web_app_query(about.query_id, article)


async def test_an_app_of_the_answer_keyboard_sends_data(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    rows = [[KeyboardButton(text="Draw", web_app=APP), KeyboardButton(text="plain")]]
    await bot.send_message(1001, "x", reply_markup=ReplyKeyboardMarkup(keyboard=rows))
    opened = await sim.post("webapp", user=1001, button="Draw")
    about = safe_parse_webapp_init_data(TOKEN, started(opened["url"])["tgWebAppData"])
    assert about.query_id is None
    await bot.get_updates(offset=-1)
    await sim.post("webapp/data", user=1001, button="Draw", text="a mask")
    told = (await bot.get_updates())[-1].message
    assert told is not None
    assert told.web_app_data is not None
    assert (told.web_app_data.data, told.web_app_data.button_text) == ("a mask", "Draw")
    await sim.post("webapp", user=1001, button="plain", status=404)
    await sim.post("webapp/data", user=1001, button="Draw", text="x" * 4097, status=400)


async def test_apps_elsewhere_need_https_and_private_chats(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await sim.say("/start", chat=-77)
    for chat, url, refusal in (
        (1001, "http://example.org", "Only HTTPS links are allowed"),
        (1001, "http://127.0.0.1.example.org", "Only HTTPS links are allowed"),
        (-77, "https://example.org", "BUTTON_TYPE_INVALID"),
    ):
        button = InlineKeyboardButton(text="Draw", web_app=WebAppInfo(url=url))
        with pytest.raises(TelegramBadRequest, match=refusal):
            await bot.send_message(chat, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))
