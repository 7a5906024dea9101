"""The bot of tests/clients in pyTelegramBotAPI."""

from __future__ import annotations

import base64
import os
from typing import Any

import telebot
from telebot import apihelper, types

ROOT = os.environ["API_ROOT"]
apihelper.API_URL = ROOT + "/bot{0}/{1}"
apihelper.FILE_URL = ROOT + "/file/bot{0}/{1}"
DOT = base64.b64decode(os.environ["DOT"])
bot = telebot.TeleBot(os.environ["TOKEN"])


@bot.message_handler(commands=["start"])
def start(message: Any) -> None:
    keyboard = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("Press", callback_data="go")]])
    bot.reply_to(message, "Hello <b>you</b>", parse_mode="HTML", reply_markup=keyboard)


@bot.message_handler(commands=["file"])
def file(message: Any) -> None:
    bot.send_document(message.chat.id, types.InputFile(_stream(b"bytes", "лис 1.bin")), visible_file_name="лис 1.bin")


@bot.message_handler(commands=["album"])
def album(message: Any) -> None:
    media = [types.InputMediaPhoto(DOT, caption="two"), types.InputMediaPhoto(DOT)]
    bot.send_media_group(message.chat.id, media)


@bot.callback_query_handler(func=lambda call: call.data == "go")
def go(call: Any) -> None:
    bot.answer_callback_query(call.id, "Done")
    bot.edit_message_text("Pressed", call.message.chat.id, call.message.message_id)


@bot.message_handler(content_types=["photo"])
def photo(message: Any) -> None:
    content = bot.download_file(bot.get_file(message.photo[-1].file_id).file_path)
    bot.send_photo(message.chat.id, content, caption=f"*{len(content)}* bytes", parse_mode="MarkdownV2")


def _stream(content: bytes, name: str) -> Any:
    import io

    stream = io.BytesIO(content)
    stream.name = name
    return stream


bot.infinity_polling()
