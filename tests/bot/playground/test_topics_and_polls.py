from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InputPollOption, ReplyParameters

from bot.playground.validate import problems_of
from tests.bot.playground.conftest import Sim

FORUM = -1000000000046


async def valid(sim: Sim) -> None:
    for it in (await sim.get("updates"))["updates"]:
        assert [f"{p.path}: {p.reason}" for p in problems_of("Update", it["update"])] == [], it
    returned = {"sendPoll": "Message", "sendMessage": "Message", "createForumTopic": "ForumTopic", "stopPoll": "Poll"}
    for it in (await sim.get("calls"))["calls"]:
        if it["ok"] and it["method"] in returned:
            assert not problems_of(returned[it["method"]], it["result"]), it


async def test_a_topic_begins_with_a_line_and_keeps_its_messages_together(bot: Bot, sim: Sim) -> None:
    await sim.say("/start", chat=FORUM)
    with pytest.raises(TelegramBadRequest, match="the chat is not a forum"):
        await bot.create_forum_topic(FORUM, "Foxes")
    await sim.post("chat", chat=FORUM, forum=True)
    with pytest.raises(TelegramBadRequest, match="not enough rights"):
        await bot.create_forum_topic(FORUM, "Foxes")
    await sim.post("chat", chat=FORUM, bot_admin=True)
    topic = await bot.create_forum_topic(FORUM, "Foxes")
    assert (await bot.get_chat(FORUM)).is_forum
    sent = await bot.send_message(FORUM, "a fox", message_thread_id=topic.message_thread_id)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic.message_thread_id, True)
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.forum_topic_created is not None
    asked = await sim.say("/more", chat=FORUM, thread=topic.message_thread_id)
    answer = await bot.send_message(FORUM, "more", reply_parameters=ReplyParameters(message_id=asked["message"]["id"]))
    assert answer.message_thread_id == topic.message_thread_id, "an answer goes where the question is"
    assert (await bot.send_message(FORUM, "to all")).message_thread_id is None
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(FORUM, "x", message_thread_id=999)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_chat_action(FORUM, "typing", message_thread_id=999)
    seen = await sim.transcript(FORUM)
    assert [it["thread"] == topic.message_thread_id for it in seen][-4:] == [True, True, True, False]
    await valid(sim)


async def test_topics_are_renamed_closed_and_deleted(bot: Bot, sim: Sim) -> None:
    await sim.say("/start", chat=FORUM)
    await sim.post("chat", chat=FORUM, forum=True, bot_admin=True)
    thread = (await sim.post("topic", user=1001, chat=FORUM, name="Wolves"))["thread"]
    told = (await bot.get_updates())[-1].message
    assert told is not None
    assert told.forum_topic_created is not None
    assert (told.forum_topic_created.name, told.message_thread_id) == ("Wolves", thread)
    await bot.edit_forum_topic(FORUM, thread, name="Foxes")
    await bot.close_forum_topic(FORUM, thread)
    with pytest.raises(TelegramBadRequest, match="TOPIC_NOT_MODIFIED"):
        await bot.close_forum_topic(FORUM, thread)
    assert (await sim.get("transcript", chat=FORUM))["chat"]["topics"] == [
        {"id": thread, "name": "Foxes", "closed": True}
    ]
    await sim.post("chat", chat=FORUM, bot_admin=False)
    with pytest.raises(TelegramBadRequest, match="TOPIC_CLOSED"):
        await bot.send_message(FORUM, "x", message_thread_id=thread)
    await sim.post("chat", chat=FORUM, bot_admin=True)
    await bot.reopen_forum_topic(FORUM, thread)
    await bot.send_message(FORUM, "x", message_thread_id=thread)
    await bot.delete_forum_topic(FORUM, thread)
    assert all(it["deleted"] for it in await sim.transcript(FORUM) if it["thread"] == thread)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(FORUM, "x", message_thread_id=thread)
    await sim.post("topic", user=1001, chat=1001, name="x", status=404)
    await valid(sim)


async def test_people_vote_and_the_bot_hears_how(bot: Bot, sim: Sim) -> None:
    await bot.get_updates(allowed_updates=["message", "poll", "poll_answer"])
    await sim.say("/start", chat=FORUM)
    await sim.say("hi", chat=FORUM, user=1002)
    options: list[InputPollOption | str] = [InputPollOption(text=it) for it in ("red", "green", "blue")]
    sent = await bot.send_poll(FORUM, "Which?", options, is_anonymous=False)
    assert sent.poll is not None
    assert [it.voter_count for it in sent.poll.options] == [0, 0, 0]
    await sim.post("vote", user=1001, chat=FORUM, message_id=sent.message_id, options=[1])
    await sim.post("vote", user=1002, chat=FORUM, message_id=sent.message_id, options=[2])
    await sim.post("vote", user=1002, chat=FORUM, message_id=sent.message_id, options=[1])
    updates = await bot.get_updates()
    answers = [it.poll_answer for it in updates if it.poll_answer]
    assert [(it.user.id, it.option_ids) for it in answers if it.user] == [(1001, [1]), (1002, [2]), (1002, [1])]
    counted = [it.poll for it in updates if it.poll][-1]
    assert ([it.voter_count for it in counted.options], counted.total_voter_count) == ([0, 2, 0], 2)
    await sim.post("vote", user=1002, chat=FORUM, message_id=sent.message_id, options=[])
    closed = await bot.stop_poll(FORUM, sent.message_id)
    assert (closed.is_closed, closed.total_voter_count) == (True, 1)
    await sim.post("vote", user=1002, chat=FORUM, message_id=sent.message_id, options=[0], status=409)
    with pytest.raises(TelegramBadRequest, match="already been closed"):
        await bot.stop_poll(FORUM, sent.message_id)
    seen = (await sim.transcript(FORUM))[-1]["poll"]
    assert (seen["closed"], seen["options"][1]) == (True, {"text": "green", "users": [1001]})
    await valid(sim)


async def test_a_quiz_has_one_try_and_what_a_poll_cannot_do_is_refused(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    options: list[InputPollOption | str] = [InputPollOption(text=it) for it in ("red", "green")]
    quiz = await bot.send_poll(
        1001,
        "Which?",
        options,
        type="quiz",
        correct_option_ids=[1],
        explanation="<b>!</b>",
        explanation_parse_mode="HTML",
    )
    assert quiz.poll is not None
    assert (quiz.poll.explanation, quiz.poll.correct_option_ids) == ("!", [1])
    vote: dict[str, Any] = {"user": 1001, "message_id": quiz.message_id}
    await sim.post("vote", **vote, options=[0, 1], status=400)
    await sim.post("vote", **vote, options=[2], status=400)
    await sim.post("vote", **vote, options=[0])
    await sim.post("vote", **vote, options=[1], status=409)
    await sim.post("vote", user=1001, message_id=1, options=[0], status=404)
    for wrong, fields in (
        ("wrong correct option ID", {"type": "quiz"}),
        ("unsupported poll type", {"type": "contest"}),
        ("open period of polls is not supported", {"open_period": 60}),
    ):
        with pytest.raises(TelegramBadRequest, match=wrong):
            await bot.send_poll(1001, "Which?", options, **fields)
    with pytest.raises(TelegramBadRequest, match="poll must have 2-12 options"):
        await bot.send_poll(1001, "Which?", options[:1])
    with pytest.raises(TelegramBadRequest, match="can't be forwarded"):
        await bot.forward_message(1001, 1001, quiz.message_id)
