from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultCachedPhoto,
    InputTextMessageContent,
    Update,
)

from bot.playground import Playground, serve
from tests.bot.playground.conftest import Sim, client, picture

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="1", callback_data="up:1"), InlineKeyboardButton(text="2", callback_data="up:2")],
        [InlineKeyboardButton(text="site", url="https://example.org")],
    ]
)


async def next_update(bot: Bot, offset: int | None = None) -> Update:
    return (await bot.get_updates(offset=offset, timeout=5))[0]


async def everything(bot: Bot) -> list[Update]:
    """All waiting updates, confirmed."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return updates


def form(*files: tuple[str, bytes, str], **fields: Any) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)  # names as a browser sends them
    for name, value in fields.items():
        data.add_field(name, str(value))
    for name, content, file_name in files:
        data.add_field(name, content, filename=file_name)
    return data


async def test_a_photo_from_a_person_reaches_the_bot_with_its_caption(bot: Bot, sim: Sim) -> None:
    data = form(("photo", picture(2000, 1000), "me.png"), user=1001, caption="/mix лиса", language="ru")
    said = await sim.post("message", data)
    assert (said["message"]["photo"]["width"], said["message"]["photo"]["height"]) == (1280, 640)
    message = (await next_update(bot)).message
    assert message is not None
    assert message.photo is not None
    assert (message.caption, message.photo[-1].width) == ("/mix лиса", 1280)
    assert message.caption_entities is not None
    assert message.caption_entities[0].type == "bot_command"
    content = await bot.download(message.photo[-1])
    assert content is not None
    assert content.read() == await sim.bytes_of(said["message"]["photo"]["file_url"])


async def test_several_photos_in_one_call_are_one_album(bot: Bot, sim: Sim) -> None:
    files = [("photo", picture(8, 8, colour=it), "p.png") for it in ("red", "blue", "green")]
    said = await sim.post("message", form(*files, user=1001, caption="three"))
    updates = await bot.get_updates()
    assert [it.update_id for it in updates] == said["update_ids"]
    messages = [it.message for it in updates if it.message]
    assert len({it.media_group_id for it in messages}) == 1
    assert [it.caption for it in messages] == ["three", None, None]


async def test_a_document_from_a_person_keeps_its_bytes(bot: Bot, sim: Sim) -> None:
    original = picture(300, 200)
    await sim.post("message", form(("document", original, "my fox.png"), user=1001))
    message = (await next_update(bot)).message
    assert message is not None
    assert message.document is not None
    content = await bot.download(message.document)
    assert content is not None
    assert (content.read(), message.document.file_name) == (original, "my fox.png")


async def test_pressing_a_button_returns_the_bots_answer(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    grid = await bot.send_message(1001, "grid", reply_markup=KEYBOARD)
    await everything(bot)
    press = asyncio.create_task(sim.post("press", user=1001, chat=1001, message_id=grid.message_id, button="2"))
    query = (await next_update(bot)).callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.from_user.id, query.message.message_id) == ("up:2", 1001, grid.message_id)
    await bot.answer_callback_query(query.id, "Working on it", show_alert=True)
    pressed = await press
    assert pressed["answer"] == {"text": "Working on it", "alert": True, "url": None}
    assert pressed["query_id"] == query.id
    with pytest.raises(TelegramBadRequest, match="query is too old and response timeout expired or query ID is inv"):
        await bot.answer_callback_query(query.id)


async def test_a_press_without_an_answer_ends_with_null(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    grid = await bot.send_message(1001, "grid", reply_markup=KEYBOARD)
    pressed = await sim.post("press", user=1001, message_id=grid.message_id, button="up:1", wait=0.05)
    assert pressed["answer"] is None
    assert pressed["update_id"] is not None


async def test_buttons_that_a_client_handles_never_reach_the_bot(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    grid = await bot.send_message(1001, "grid", reply_markup=KEYBOARD)
    pressed = await sim.post("press", user=1001, message_id=grid.message_id, button="site")
    assert (pressed["url"], pressed["update_id"]) == ("https://example.org", None)
    refused = await sim.post("press", status=404, user=1001, message_id=grid.message_id, button="9")
    assert "there are: 1, 2, site" in refused["error"]
    await grid.delete()
    await sim.post("press", status=404, user=1001, message_id=grid.message_id, button="1")


async def test_a_query_that_waited_too_long_is_too_old(http: aiohttp.ClientSession) -> None:
    strict = await serve(port=0, query_lifetime=0, strict=True)
    async with client(strict.url) as bot:
        await bot.get_me()
        sim = Sim(strict.url, http)
        await sim.say("hi")
        grid = await bot.send_message(1001, "grid", reply_markup=KEYBOARD)
        pressed = await sim.post("press", user=1001, message_id=grid.message_id, button="1", wait=0)
        with pytest.raises(TelegramBadRequest, match="query is too old"):
            await bot.answer_callback_query(pressed["query_id"])
    await strict.close()


async def test_people_edit_their_messages(bot: Bot, sim: Sim) -> None:
    said = await sim.say("a fix")
    await sim.post("edit", user=1001, message_id=said["message"]["id"], text="a fox")
    edited = (await bot.get_updates())[-1].edited_message
    assert edited is not None
    assert (edited.text, edited.edit_date is not None) == ("a fox", True)


async def test_an_inline_query_is_answered_and_a_result_posted_and_edited(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    photo = (await bot.send_photo(1001, BufferedInputFile(picture(32, 32), "p.png"))).photo
    assert photo is not None
    await everything(bot)
    asking = asyncio.create_task(sim.post("inline", user=1001, query="лиса"))
    query = (await next_update(bot)).inline_query
    assert query is not None
    assert query.query == "лиса"
    article = InlineQueryResultArticle(
        id="a",
        title="Draw",
        input_message_content=InputTextMessageContent(message_text="<b>drawing</b>", parse_mode="HTML"),
        reply_markup=KEYBOARD,
    )
    await query.answer([article, InlineQueryResultCachedPhoto(id="p", photo_file_id=photo[-1].file_id)]).as_(bot)
    asked = await asking
    assert [it["id"] for it in asked["results"]] == ["a", "p"]
    chosen = await sim.post("inline/choose", user=1001, query_id=asked["query_id"], result_id="a", chat=1001)
    assert (chosen["message"]["text"], chosen["message"]["via_bot"]["id"]) == ("drawing", bot.id)
    inline_id = chosen["message"]["inline_message_id"]
    picked = [it.chosen_inline_result for it in await everything(bot) if it.chosen_inline_result]
    assert (picked[0].result_id, picked[0].inline_message_id) == ("a", inline_id)
    assert await bot.edit_message_text("done", inline_message_id=inline_id, reply_markup=KEYBOARD) is True
    assert (await sim.transcript())[-1]["text"] == "done"
    pressed = await sim.post("press", user=1001, message_id=chosen["message"]["id"], button="1", wait=0)
    press = (await everything(bot))[-1].callback_query
    assert press is not None
    assert (press.id, press.inline_message_id, press.message) == (pressed["query_id"], inline_id, None)


async def test_commands_are_shown_by_the_narrowest_scope_in_the_language_of_the_person(bot: Bot, sim: Sim) -> None:
    await sim.say("hi", language="ru")
    await bot.set_my_commands([BotCommand(command="imagine", description="Draw")])
    await bot.set_my_commands([BotCommand(command="imagine", description="Нарисовать")], language_code="ru")
    shown = await sim.get("commands", user=1001)
    assert [it["description"] for it in shown["commands"]] == ["Нарисовать"]
    assert [it["description"] for it in (await sim.get("commands", user=5))["commands"]] == ["Draw"]
    private = BotCommandScopeAllPrivateChats()
    await bot.set_my_commands([BotCommand(command="help", description="Help")], scope=private)
    shown = await sim.get("commands", user=1001)
    assert [it["command"] for it in shown["commands"]] == ["help"], "a narrower scope goes before the language"
    chat = BotCommandScopeChat(chat_id=1001)
    await bot.set_my_commands([BotCommand(command="admin", description="Admin")], scope=chat)
    assert [it.command for it in await bot.get_my_commands(scope=chat)] == ["admin"]
    await bot.delete_my_commands(scope=chat)
    await bot.delete_my_commands(scope=private)
    assert (await sim.get("commands", user=1001))["language"] == "ru"
    assert await bot.get_my_commands(language_code="en") == []
    await bot.set_my_name("Кандинский", language_code="ru")
    assert (await bot.get_my_name(language_code="ru")).name == "Кандинский"
    assert (await sim.get("commands", user=1001))["name"] == "Кандинский"


async def test_events_stream_and_replay_what_was_missed(
    playground: Playground, bot: Bot, sim: Sim, http: aiohttp.ClientSession
) -> None:
    greeted = asyncio.Event()

    async def events(count: int, **headers: str) -> list[tuple[str, dict[str, Any]]]:
        seen: list[tuple[str, dict[str, Any]]] = []
        async with http.get(f"{playground.url}/sim/events", headers=headers) as stream:
            name = ""
            async for line in stream.content:
                text = line.decode().rstrip("\n")
                name = text.removeprefix("event: ") if text.startswith("event: ") else name
                if text.startswith("data: "):
                    seen.append((name, json.loads(text.removeprefix("data: "))))
                    greeted.set()
                if len(seen) == count + 1:
                    return seen[1:]
        return seen

    last = playground.world.events.last_id
    await sim.say("hi")
    sent = await bot.send_message(1001, "one")
    await sent.edit_text("two")
    await sent.delete()
    missed = await events(9, **{"Last-Event-ID": str(last)})
    names = ["user", "chat", "message", "message", "call", "edit", "call", "delete", "call"]
    assert [name for name, _ in missed] == names
    assert missed[5][1]["message"]["text"] == "two"
    greeted.clear()
    listening = asyncio.create_task(events(1))
    await asyncio.wait_for(greeted.wait(), 5)
    await bot.send_chat_action(1001, "typing")
    ((name, data),) = await asyncio.wait_for(listening, 5)
    assert (name, data["chat"], data["action"]) == ("chat_action", 1001, "typing")


async def test_requests_that_make_no_sense_are_refused_by_name(bot: Bot, sim: Sim) -> None:
    assert (await sim.post("message", status=400, text="x"))["error"] == "user is missing"
    assert (await sim.post("message", status=400, user=1001))["error"].startswith("text is empty")
    assert "private chat of 5" in (await sim.post("message", status=400, user=1001, chat=5, text="x"))["error"]
    assert "no message 99" in (await sim.post("message", status=404, user=1001, text="x", reply_to=99))["error"]
    assert (
        "IMAGE_PROCESS_FAILED" in (await sim.post("message", form(("photo", b"?", "x"), user=1), status=400))["error"]
    )
    assert "no method" in (await sim.post("faults", status=400, method="sendFoto", status_code=500))["error"]


async def test_without_a_bot_a_message_has_nowhere_to_go(http: aiohttp.ClientSession) -> None:
    empty = await serve(port=0, strict=True)
    sim = Sim(empty.url, http)
    assert (await sim.post("message", status=409, user=1001, text="x"))["error"] == "no bot has connected yet"
    assert await sim.transcript() == []
    await empty.close()
