from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import Update

from bot.playground.validate import problems_of
from tests.bot.playground.conftest import OTHER_TOKEN, Sim, client

GROUP = -1000000000042


async def say(sim: Sim, text: str, user: int = 1001, **fields: object) -> int | None:
    update_id: int | None = (await sim.say(text, user=user, chat=GROUP, **fields))["update_id"]
    return update_id


async def everything(bot: Bot) -> list[Update]:
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return updates


async def test_the_first_message_to_a_group_makes_it_and_the_bot_is_told_that_it_was_added(bot: Bot, sim: Sim) -> None:
    await say(sim, "hello all", title="Foxes", name="Anna")
    added, service = await everything(bot)
    assert added.my_chat_member is not None
    assert added.my_chat_member.new_chat_member.status == "member"
    assert (added.my_chat_member.chat.title, added.my_chat_member.chat.type) == ("Foxes", "supergroup")
    assert service.message is not None
    assert service.message.new_chat_members is not None
    assert service.message.new_chat_members[0].id == bot.id
    assert (await sim.transcript(GROUP))[0]["notice"] == "Anna added Playground bot"


async def test_in_privacy_mode_a_bot_hears_commands_mentions_and_replies_only(bot: Bot, sim: Sim) -> None:
    name = (await bot.get_me()).username
    assert await say(sim, "just talking") is None
    assert await say(sim, "/imagine a fox") is not None
    assert await say(sim, f"/imagine@{name} a fox") is not None
    assert await say(sim, "/imagine@another_bot a fox") is None
    assert await say(sim, f"@{name} a fox") is not None
    assert await say(sim, "@another_bot a fox") is None
    ours = await bot.send_message(GROUP, "a picture")
    assert await say(sim, "make it red", reply_to=ours.message_id) is not None
    assert await say(sim, "nice", reply_to=(await sim.transcript(GROUP))[1]["id"]) is None
    assert len([it for it in await everything(bot) if it.message and it.message.text]) == 4


async def test_without_privacy_or_as_an_administrator_it_hears_all(bot: Bot, sim: Sim) -> None:
    await say(sim, "x")
    await sim.post("chat", chat=GROUP, privacy=False)
    assert await say(sim, "just talking") is not None
    await sim.post("chat", chat=GROUP, privacy=True, bot_admin=True)
    assert await say(sim, "just talking") is not None
    assert (await bot.get_chat_member(GROUP, bot.id)).status == "administrator"


async def test_strangers_messages_are_not_the_bots_to_delete_unless_it_is_an_administrator(bot: Bot, sim: Sim) -> None:
    theirs = (await sim.say("/spam", chat=GROUP))["message"]["id"]
    with pytest.raises(TelegramBadRequest, match="message can't be deleted"):
        await bot.delete_message(GROUP, theirs)
    with pytest.raises(TelegramBadRequest, match="not enough rights to manage pinned messages"):
        await bot.pin_chat_message(GROUP, theirs)
    await sim.post("chat", chat=GROUP, bot_admin=True)
    await bot.pin_chat_message(GROUP, theirs)
    assert await bot.delete_message(GROUP, theirs)


async def test_members_and_owners_are_known(bot: Bot, sim: Sim) -> None:
    await say(sim, "x", user=1001, name="Anna")
    await say(sim, "y", user=1002)
    assert (await bot.get_chat_member(GROUP, 1001)).status == "creator"
    assert (await bot.get_chat_member(GROUP, 1002)).status == "member"
    assert [it.user.id for it in await bot.get_chat_administrators(GROUP)] == [1001]
    assert await bot.get_chat_member_count(GROUP) == 3
    assert (await bot.get_chat(GROUP)).type == "supergroup"


async def test_a_bot_that_was_thrown_out_may_not_write(bot: Bot, sim: Sim) -> None:
    await say(sim, "x")
    await sim.post("chat", chat=GROUP, bot_present=False)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        await bot.send_message(GROUP, "hello?")
    last = (await everything(bot))[-1].my_chat_member
    assert last is not None
    assert last.new_chat_member.status == "kicked"
    assert await say(sim, "/imagine a fox") is None


async def test_two_bots_are_strangers_to_each_other(bot: Bot, sim: Sim) -> None:
    async with client(sim.url, OTHER_TOKEN) as other:
        await other.get_me()
        await sim.say("to the first", bot=str(bot.id))
        await sim.say("to the other", bot="654321")
        assert [it.message.text for it in await bot.get_updates() if it.message] == ["to the first"]
        assert [it.message.text for it in await other.get_updates() if it.message] == ["to the other"]
        assert [it["text"] for it in await sim.transcript(bot=bot.id)] == ["to the first"]
        assert [it["text"] for it in await sim.transcript()] == ["to the other"], "the bot that connected last"


async def test_an_administrator_and_a_channel_may_speak_without_a_name(bot: Bot, sim: Sim) -> None:
    channel = -1000000000077
    await say(sim, "/start", title="Foxes")
    await sim.post("chat", chat=channel, type="channel", title="News", admins=[1002])
    await say(sim, "/queue", sender_chat=GROUP)
    await say(sim, "/queue", user=1002, sender_chat=channel)
    await say(sim, "/queue", user=1002, sender_chat=channel, automatic_forward=True)
    for it in (await sim.get("updates"))["updates"]:
        assert [f"{p.path}: {p.reason}" for p in problems_of("Update", it["update"])] == [], it
    said = [it.message for it in await everything(bot) if it.message and it.message.sender_chat]
    assert [(it.from_user.id, it.sender_chat.id) for it in said if it.from_user and it.sender_chat] == [
        (1087968824, GROUP),
        (136817688, channel),
        (777000, channel),
    ]
    assert [it.is_automatic_forward for it in said] == [None, None, True]


async def test_nobody_speaks_for_a_chat_that_they_do_not_run(sim: Sim) -> None:
    await say(sim, "/start", title="Foxes")
    await sim.post("message", user=1002, chat=GROUP, text="/queue", sender_chat=GROUP, status=403)
    await sim.post("message", user=1001, chat=GROUP, text="/queue", sender_chat=-5, status=400)
    await sim.post("message", user=1001, text="/queue", sender_chat=GROUP, status=400)


async def test_who_runs_a_channel_is_told_to_its_administrators_only(bot: Bot, sim: Sim) -> None:
    channel = -1000000000077
    await sim.post("chat", chat=channel, type="channel", admins=[1002], bot_present=True)
    with pytest.raises(TelegramBadRequest, match="inaccessible"):
        await bot.get_chat_member(channel, 1002)
    await sim.post("chat", chat=channel, bot_admin=True)
    assert (await bot.get_chat_member(channel, 1002)).status == "creator"
