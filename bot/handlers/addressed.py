"""Whether a message means the bot, and the words it is to draw."""

from __future__ import annotations

import re
from typing import Any

from aiogram import Bot
from aiogram.filters import BaseFilter
from aiogram.types import Message

_ALIAS = re.compile(r"^(?:нарисуй(?:те)?(?:\s+мне)?|draw(?:\s+me)?)(?:\s*[:,]\s*|\s+)(?=\S)", re.IGNORECASE)


class Addressed(BaseFilter):
    """In private every text that is no command; in a group a mention of the bot or an answer to it. Gives `words`."""

    async def __call__(self, message: Message, bot: Bot) -> bool | dict[str, Any]:
        text = message.text
        if not text or text.startswith("/") or message.from_user is None:
            return False
        if message.chat.type == "private":
            return {"words": without_alias(text)}
        me = await bot.me()
        mention = re.compile(rf"(?<!\w)@{re.escape(me.username or '')}\b[\s,:]*", re.IGNORECASE)
        if me.username and mention.search(text):
            return {"words": without_alias(mention.sub(" ", text).strip())}
        answered = message.reply_to_message
        if answered is not None and answered.from_user is not None and answered.from_user.id == me.id:
            return {"words": without_alias(text)}
        return False


def without_alias(text: str) -> str:
    """ "Нарисуй кота" asks for "кота"."""
    return _ALIAS.sub("", text.strip())
