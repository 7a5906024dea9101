"""A word to whoever sent an update that nobody will try again."""

from __future__ import annotations

import logging

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import ReplyParameters, Update

from bot.i18n import _, speaking
from bot.languages import language_for
from bot.telegram.meant import is_meant

log = logging.getLogger(__name__)


async def apologise(bot: Bot, update: Update) -> None:
    """Says that it is our fault, and what to do; in groups only where the bot was meant.

    Nothing of the update is looked into but who sent it, where to, and whom it names; nothing is asked of the database.
    """
    press, message = update.callback_query, update.message
    asked = press.message if press is not None else message
    sender = press.from_user if press is not None else message.from_user if message is not None else None
    if asked is None or sender is None or (message is not None and not await is_meant(message, bot)):
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
