"""Whether a message means the bot, and the words it is to draw."""

from __future__ import annotations

import re
from typing import Any

from aiogram import Bot
from aiogram.filters import BaseFilter
from aiogram.types import Message

from bot.prompt.said import wish_in

# People answer a picture to praise it as well as to ask for the next one.
_COURTESIES = frozenset(
    re.findall(
        r"\w+",
        """thanks thank you thx ty so very much wow cool nice great awesome amazing beautiful lovely perfect love it
        haha lol ok okay yes no well done good job
        спасибо спс благодарю большое очень вау ого круто класс классно супер красиво красота здорово отлично
        прекрасно огонь шикарно хаха ахаха лол ок окей да нет молодец""",
    )
)


class Addressed(BaseFilter):
    """In private every text that is no command; in a group a mention of the bot or an answer to it. Gives `words`.

    A "thank you" in answer to a picture in a group asks for nothing.
    """

    async def __call__(self, message: Message, bot: Bot) -> bool | dict[str, Any]:
        said = await self.said(message, bot)
        return {"words": wish_in(said)} if said is not None else False

    async def said(self, message: Message, bot: Bot) -> str | None:
        """What the bot is told, without its name; None where it is not meant."""
        text = message.text
        if not text or text.startswith("/") or message.from_user is None:
            return None
        if message.chat.type == "private":
            return text.strip()
        me = await bot.me()
        mention = re.compile(rf"(?<!\w)@{re.escape(me.username or '')}\b[\s,:]*", re.IGNORECASE)
        if me.username and mention.search(text):
            return mention.sub(" ", text).strip()
        answered = message.reply_to_message
        if answered is None or answered.from_user is None or answered.from_user.id != me.id or is_courtesy(text):
            return None
        return text.strip()


def is_courtesy(text: str) -> bool:
    """Whether a text is only praise, thanks or emoji."""
    return all(word in _COURTESIES for word in re.findall(r"\w+", text.lower()))
