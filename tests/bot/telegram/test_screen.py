"""What a message of ours looks like and where it goes is said in one place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import TelegramMethod
from aiogram.types import BufferedInputFile, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

import bot as package
from bot.telegram.screen import Photo, Place, Screen, point_to, put, put_under, send
from tests.bot.wire import scripted_bot

KEYS = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", callback_data="x")]])
JPEG = Photo(b"jpeg", "fox.jpg")
ANNA, GROUP = 7, -100


def refused(message: str) -> Any:
    return lambda method: TelegramBadRequest(method=method, message=f"Bad Request: {message}")


def fields(method: TelegramMethod[Any], *names: str) -> dict[str, Any]:
    return {name: getattr(method, name) for name in names}


async def test_words_are_html_and_answer_also_what_is_gone_in_their_topic() -> None:
    bot, session = scripted_bot()
    await send(bot, Place(ANNA, answer_to=5, thread=3), Screen("<b>a</b>", KEYS))
    [call] = session.calls
    assert fields(call.method, "chat_id", "text", "parse_mode", "reply_markup", "message_thread_id") == {
        "chat_id": ANNA, "text": "<b>a</b>", "parse_mode": "HTML", "reply_markup": KEYS, "message_thread_id": 3,
    }  # fmt: skip
    assert call.method.reply_parameters == ReplyParameters(message_id=5, allow_sending_without_reply=True)


@pytest.mark.parametrize(
    ("chat", "aloud", "silent"), [(ANNA, False, False), (GROUP, False, True), (GROUP, True, False)]
)
@pytest.mark.parametrize("photo", [None, JPEG])
async def test_nobodys_telephone_rings_in_a_group_unless_it_has_to(
    chat: int, aloud: bool, silent: bool, photo: Photo | None
) -> None:
    bot, session = scripted_bot()
    await send(bot, Place(chat, aloud=aloud), Screen("a", photo=photo))
    assert session.calls[0].method.disable_notification is silent


async def test_a_photo_is_uploaded_by_its_name_or_sent_again_by_its_id() -> None:
    bot, session = scripted_bot()
    await send(bot, Place(ANNA), Screen("<b>a</b>", KEYS, JPEG))
    await send(bot, Place(ANNA), Screen("a", photo="an-id"))
    uploaded, known = (call.method for call in session.named("sendPhoto"))
    assert fields(uploaded, "caption", "parse_mode", "reply_markup") == {
        "caption": "<b>a</b>", "parse_mode": "HTML", "reply_markup": KEYS,
    }  # fmt: skip
    assert isinstance(uploaded.photo, BufferedInputFile)
    assert (uploaded.photo.filename, uploaded.photo.data) == ("fox.jpg", b"jpeg")
    assert known.photo == "an-id"


async def test_a_question_opens_its_answer() -> None:
    bot, session = scripted_bot()
    await send(bot, Place(ANNA), Screen("What?"), asking=ForceReply(selective=True))
    assert session.calls[0].method.reply_markup == ForceReply(selective=True)


async def test_words_for_a_message_with_a_photo_go_under_it() -> None:
    bot, session = scripted_bot(editMessageText=[refused("there is no text in the message to edit")])
    await put(bot, ANNA, 5, Screen("<b>a</b>", KEYS))
    assert [call.name for call in session.calls] == ["editMessageText", "editMessageCaption"]
    assert fields(session.calls[1].method, "message_id", "caption", "parse_mode", "reply_markup") == {
        "message_id": 5, "caption": "<b>a</b>", "parse_mode": "HTML", "reply_markup": KEYS,
    }  # fmt: skip


async def test_every_other_refusal_of_an_edit_is_its_callers() -> None:
    bot, session = scripted_bot(editMessageText=[refused("message to edit not found")])
    with pytest.raises(TelegramBadRequest):
        await put(bot, ANNA, 5, Screen("a"))
    assert len(session.calls) == 1


async def test_a_photo_replaces_what_stood_there_and_stays_when_only_words_change() -> None:
    bot, session = scripted_bot()
    await put(bot, ANNA, 5, Screen("<b>a</b>", KEYS, JPEG))
    await put_under(bot, ANNA, 5, Screen("<b>b</b>", KEYS))
    media, caption = (call.method for call in session.calls)
    assert fields(media.media, "caption", "parse_mode") == {"caption": "<b>a</b>", "parse_mode": "HTML"}
    assert media.reply_markup == KEYS
    assert fields(caption, "caption", "parse_mode") == {"caption": "<b>b</b>", "parse_mode": "HTML"}


async def test_a_finger_points_silently_at_what_is_there() -> None:
    bot, session = scripted_bot()
    await point_to(bot, ANNA, 5, "Here.")
    assert session.calls[0].method.disable_notification is True
    assert session.calls[0].method.reply_parameters == ReplyParameters(message_id=5)


def test_no_other_module_of_the_bot_says_how_its_texts_are_to_be_read() -> None:
    folder = Path(package.__file__).parent
    saying = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if not path.is_relative_to(folder / "playground") and re.search(r"\bparse_mode\b", path.read_text("utf-8"))
    }
    assert saying == {"telegram/screen.py"}
