"""A word to whoever sent an update that nobody will try again."""

from __future__ import annotations

import logging

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import Message, ReplyParameters, Update

from bot.i18n import _, speaking
from bot.languages import language_for

log = logging.getLogger(__name__)


async def apologise(bot: Bot, update: Update) -> None:
    """Says in private that it is our fault, and what to do; in groups only in answer to a press or a command of ours.

    Nothing of the update is looked into but who sent it and where to, and nothing is asked of the database.
    """
    asked = update.message or (update.callback_query.message if update.callback_query is not None else None)
    sender = update.callback_query.from_user if update.callback_query is not None else None
    if isinstance(asked, Message) and update.message is not None:
        sender = asked.from_user
    if asked is None or sender is None or (asked.chat.type != "private" and update.callback_query is None):
        return
    with speaking(language_for(sender.language_code)):
        text = _(
            "I have stopped three times over this, so I have put it aside. The fault is mine, not yours, and the owner "
            "has been told. Other words or another picture may well work."
        )
    try:
        await bot.send_message(
            asked.chat.id,
            text,
            reply_parameters=ReplyParameters(message_id=asked.message_id, allow_sending_without_reply=True),
        )
    except AiogramError as unheard:
        log.warning("update %d: the person could not be told: %s", update.update_id, unheard)
