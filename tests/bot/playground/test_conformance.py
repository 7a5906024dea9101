"""What the playground says to bots is held against the Bot API's own tables, not against our reading of them."""

from __future__ import annotations

import asyncio
from typing import Any

from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)

from bot.playground.validate import problems_of
from tests.bot.playground.conftest import Raw, Sim, picture
from tests.bot.playground.test_user_plane import form

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="1", callback_data="up:1")]])
RETURNS = {
    "getMe": "User",
    "sendMessage": "Message",
    "sendPhoto": "Message",
    "sendDocument": "Message",
    "sendAnimation": "Message",
    "sendVideo": "Message",
    "sendAudio": "Message",
    "sendVoice": "Message",
    "sendSticker": "Message",
    "sendMediaGroup": "Array of Message",
    "copyMessage": "MessageId",
    "forwardMessage": "Message",
    "editMessageText": "Message",
    "editMessageMedia": "Message",
    "getFile": "File",
    "getChat": "ChatFullInfo",
    "getChatMember": "ChatMember",
    "getChatAdministrators": "Array of ChatMember",
    "getMyCommands": "Array of BotCommand",
    "getMyName": "BotName",
    "getChatMenuButton": "MenuButton",
    "getWebhookInfo": "WebhookInfo",
}
GROUP = -7


def file(name: str, content: bytes | None = None) -> BufferedInputFile:
    return BufferedInputFile(content or picture(40, 30), name)


async def test_every_answer_has_the_fields_and_types_of_the_bot_api(bot: Bot, sim: Sim, raw: Raw) -> None:
    asked = (await sim.say("hi /start @anna", name="Анна Белова", username="anna", language="ru"))["message"]["id"]
    await sim.say("/start", chat=GROUP)
    reply = ReplyParameters(message_id=asked, quote="hi")
    text = await bot.send_message(
        1001, "<b>x</b> https://ya.ru", parse_mode="HTML", reply_markup=KEYBOARD, reply_parameters=reply
    )
    photo = await bot.send_photo(1001, file("p.png"), caption="c", has_spoiler=True, show_caption_above_media=True)
    await bot.send_document(1001, file("d.png"), protect_content=True)
    await bot.send_animation(1001, file("a.gif", picture(20, 20, "GIF")))
    await bot.send_video(1001, file("v.mp4", b"not really a film"))
    await bot.send_audio(1001, file("a.mp3", b"not really a song"))
    await bot.send_voice(1001, file("v.ogg", b"not really a voice"))
    await bot.send_sticker(1001, file("s.webp", picture(512, 512, "WEBP")))
    await bot.send_media_group(1001, [InputMediaPhoto(media=file("1.png")), InputMediaPhoto(media=file("2.png"))])
    await bot.copy_message(1001, 1001, asked)
    await bot.forward_message(1001, 1001, asked)
    await text.edit_text("y")
    await bot.edit_message_media(
        InputMediaPhoto(media=file("3.png"), caption="z"), chat_id=1001, message_id=text.message_id
    )
    assert photo.photo is not None
    await bot.get_file(photo.photo[-1].file_id)
    await bot.pin_chat_message(1001, asked)
    for chat in (1001, GROUP):
        await bot.get_chat(chat)
        await bot.get_chat_member(chat, 1001)
    await sim.post("chat", chat=GROUP, bot_admin=True)
    await bot.get_chat_member(GROUP, bot.id)
    await bot.get_chat_administrators(GROUP)
    await bot.set_my_commands([BotCommand(command="start", description="Start")])
    await bot.get_my_commands()
    await bot.get_my_name()
    await bot.get_chat_menu_button()
    await bot.get_webhook_info()
    checked = set()
    for call in (await sim.get("calls"))["calls"]:
        assert call["ok"], call
        if call["method"] in RETURNS:
            found = [f"{it.path}: {it.reason}" for it in problems_of(RETURNS[call["method"]], call["result"])]
            assert not found, (call["method"], found, call["result"])
            checked.add(call["method"])
    assert checked == set(RETURNS)


async def test_every_update_has_the_fields_and_types_of_the_bot_api(bot: Bot, sim: Sim) -> None:
    kinds = ["message", "edited_message", "callback_query", "inline_query", "message_reaction", "my_chat_member"]
    await bot.get_updates(allowed_updates=kinds)
    said = await sim.say("hi /start", name="Анна Белова", username="anna", language="ru")
    await sim.post("edit", user=1001, message_id=said["message"]["id"], text="hello")
    await sim.say("a reply", reply_to=said["message"]["id"])
    for name in ("photo", "document"):
        await sim.post("message", form((name, picture(30, 20), "p.png"), user=1001, caption="c"))
    sent = await bot.send_photo(1001, file("p.png"), reply_markup=KEYBOARD)
    await sim.say("about the photo", reply_to=sent.message_id)
    await sim.post("react", user=1001, message_id=sent.message_id, emoji="👍")
    await asyncio.gather(
        sim.post("press", user=1001, message_id=sent.message_id, button="1", wait=0),
        sim.post("inline", user=1001, query="x", wait=0),
    )
    await sim.say("/start", chat=GROUP, title="Foxes")
    await sim.post("chat", chat=GROUP, bot_admin=True)
    await sim.post("user", id=1001, blocked=True)
    updates: list[dict[str, Any]] = (await sim.get("updates"))["updates"]
    for it in updates:
        assert [f"{p.path}: {p.reason}" for p in problems_of("Update", it["update"])] == [], it
    assert {it["type"] for it in updates} == set(kinds)
