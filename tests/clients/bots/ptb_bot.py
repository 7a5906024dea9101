"""The bot of tests/clients in python-telegram-bot."""

from __future__ import annotations

import base64
import os
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, MessageHandler, filters

ROOT = os.environ["API_ROOT"]
DOT = base64.b64decode(os.environ["DOT"])


async def start(update: Any, context: Any) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Press", callback_data="go")]])
    await update.message.reply_text("Hello <b>you</b>", parse_mode="HTML", reply_markup=keyboard, do_quote=True)


async def file(update: Any, context: Any) -> None:
    await update.message.reply_document(b"bytes", filename="лис 1.bin")


async def album(update: Any, context: Any) -> None:
    await update.message.reply_media_group([InputMediaPhoto(DOT, caption="two"), InputMediaPhoto(DOT)])


async def go(update: Any, context: Any) -> None:
    await update.callback_query.answer("Done")
    await update.callback_query.edit_message_text("Pressed")


async def photo(update: Any, context: Any) -> None:
    content = bytes(await (await update.message.photo[-1].get_file()).download_as_bytearray())
    await update.message.reply_photo(content, caption=f"*{len(content)}* bytes", parse_mode="MarkdownV2")


builder = Application.builder().token(os.environ["TOKEN"])
application = builder.base_url(f"{ROOT}/bot").base_file_url(f"{ROOT}/file/bot").build()
for name, command in (("start", start), ("file", file), ("album", album)):
    application.add_handler(CommandHandler(name, command))
application.add_handler(CallbackQueryHandler(go, "go"))
application.add_handler(MessageHandler(filters.PHOTO, photo))
application.run_polling()
