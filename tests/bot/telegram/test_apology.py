"""Who hears that a message of theirs was set aside."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message, Update, User

from bot.telegram.apology import Excuses, apologise
from tests.bot.wire import scripted_bot

ME = User(id=123456, is_bot=True, first_name="K", username="studio_bot")


def said(text: str, *, chat: int, **more: Any) -> Update:
    place = {"id": chat, "type": "private" if chat > 0 else "supergroup"}
    anna = {"id": 7, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    message = {"message_id": 5, "date": 1, "chat": place, "from": anna, "text": text, **more}
    return Update.model_validate({"update_id": 1, "message": message})


def from_bot() -> dict[str, Any]:
    answered = Message.model_validate(
        {"message_id": 4, "date": 1, "chat": {"id": -100, "type": "supergroup"}, "from": ME.model_dump(), "text": "x"}
    )
    return {"reply_to_message": answered.model_dump(by_alias=True, exclude_none=True)}


@pytest.mark.parametrize(
    "update",
    [
        said("кот", chat=7),
        said("/imagine кот", chat=-100),
        said("@studio_bot кот", chat=-100),
        said("кот", chat=-100, **from_bot()),
    ],
)
async def test_whoever_meant_the_bot_is_told_in_their_language(update: Update) -> None:
    bot, session = scripted_bot(getMe=[ME])
    await apologise(bot, update)
    [call] = session.named("sendMessage")
    assert "моя ошибка, не ваша" in call.method.text


@pytest.mark.parametrize("text", ["кот", "hello @another_bot", "mail@example.org"])
async def test_talk_among_others_gets_no_word(text: str) -> None:
    bot, session = scripted_bot(getMe=[ME])
    await apologise(bot, said(text, chat=-100))
    assert session.named("sendMessage") == []


@pytest.mark.parametrize(
    "answer", [True, lambda method: TelegramBadRequest(method=method, message="Bad Request: query is too old")]
)
async def test_whoever_has_pressed_is_told_and_their_press_is_answered(answer: object) -> None:
    bot, session = scripted_bot(getMe=[ME], answerCallbackQuery=[answer])
    shown = said("A grid", chat=7).message
    assert shown is not None
    fields = {"id": "1", "from": {"id": 7, "is_bot": False, "first_name": "Анна"}, "chat_instance": "1", "data": "x"}
    await apologise(bot, Update.model_validate({"update_id": 1, "callback_query": {**fields, "message": shown}}))
    assert len(session.named("answerCallbackQuery")) == 1
    assert len(session.named("sendMessage")) == 1


async def test_while_nothing_can_be_taken_in_every_chat_hears_so_once() -> None:
    bot, session = scripted_bot(getMe=[ME])
    now = 0.0
    excuses = Excuses(bot, clock=lambda: now)
    full = OSError(errno.ENOSPC, "no space left")
    await excuses.tell([said("кот", chat=7), said("пёс", chat=7), said("talk", chat=-100)], full)
    await excuses.tell([said("кот", chat=7)], full)
    [call] = session.named("sendMessage")
    text = call.method.text
    assert "иск" in text and "не потеряно" in text
    now = 3600.0
    await excuses.tell([said("кот", chat=7)], full)
    assert len(session.named("sendMessage")) == 2
