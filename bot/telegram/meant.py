"""Whether a message may be for the bot, by its looks alone: nothing is read or asked of anybody."""

from __future__ import annotations

from aiogram import Bot
from aiogram.types import Message


async def is_meant(message: Message, bot: Bot) -> bool:
    """In private always; in groups a command, an answer to the bot, or a mention of it."""
    if message.chat.type == "private":
        return True
    text = message.text or message.caption or ""
    if text.startswith("/"):
        return True
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and answered.from_user.id == bot.id:
        return True
    return "@" in text and f"@{(await bot.me()).username or ''}".lower() in text.lower()
