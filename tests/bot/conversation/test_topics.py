"""In a topic of a forum: what is asked there is answered there, and its first line is nobody's question."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiogram import Bot
from aiogram.types import Message

from bot.telegram.updates import read
from tests.bot.conversation.conftest import TOKEN, House
from tests.e2e.chat import Person, is_result

FORUM = -1000000000055


async def test_a_topic_is_answered_in_and_its_first_line_is_no_question(
    house: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, chat=FORUM)
    await anna.say("hello all")
    greeting = await anna.until(lambda it: not it["notice"])
    await anna.post("chat", {"chat": FORUM, "forum": True, "bot_admin": True})
    async with anna.session.post(
        f"{anna.url}/bot{TOKEN}/createForumTopic", json={"chat_id": FORUM, "name": "Foxes"}
    ) as answer:
        thread = (await answer.json())["result"]["message_thread_id"]
    await anna.say("just talking of foxes", thread=thread)
    asked = (await anna.say("/imagine a red circle --n 1", thread=thread))["message"]
    result = await anna.until(is_result, after=asked["id"])
    assert "red circle" in result["caption"]
    await anna.press(result, "Again")
    again = await anna.until(is_result, after=result["id"])
    varied = (await anna.say("a blue circle --n 1", reply_to=again["id"]))["message"]
    await anna.until(is_result, after=varied["id"])
    said = [it for it in await anna.messages() if it["from"]["is_bot"] and it["id"] > greeting["id"]]
    assert {it["thread"] for it in said} == {thread}, "what is asked in a topic is answered there"
    assert not any("talking" in it["caption"] for it in said if is_result(it)), (
        "its first line is the bot's, no question"
    )


@pytest.mark.parametrize("kind", ["message", "edited_message", "callback_query"])
def test_a_line_is_taken_out_wherever_a_message_comes_and_a_real_answer_stays(kind: str) -> None:
    chat = {"id": FORUM, "type": "supergroup", "title": "x"}
    line = {"message_id": 3, "date": 1, "chat": chat, "forum_topic_created": {"name": "x", "icon_color": 1}}
    for answered, is_kept in ((line, False), ({"message_id": 4, "date": 1, "chat": chat, "text": "a fox"}, True)):
        message = {"message_id": 5, "date": 1, "chat": chat, "text": "y", "reply_to_message": answered}
        user = {"id": 1, "is_bot": False, "first_name": "A"}
        press = {"id": "1", "from": user, "chat_instance": "1", "data": "x", "message": message}
        raw = {"update_id": 1, kind: press if kind == "callback_query" else message}
        update, body = read(Bot(TOKEN), raw)
        found = update.callback_query.message if update.callback_query else update.message or update.edited_message
        assert isinstance(found, Message)
        assert (found.reply_to_message is not None) is is_kept
        assert ("reply_to_message" in body) is is_kept
