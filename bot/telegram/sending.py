"""Sending a message once, although a kill or a lost answer may leave it open whether an earlier try got through.

The Bot API lists no messages. But whoever answers a message is told what it looks like: so one silent answer to the
likeliest id, taken back at once, shows whether that is the message, and no second one is sent then.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup, Message, ReplyParameters

from bot.store import History
from bot.telegram.refusals import Refusal, classify, has_no_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sending:
    """A message to send: `key` names it among all of its chat, `mine` knows it again, `after` was there before."""

    chat_id: int
    key: str
    mine: Callable[[Message], bool]
    after: int | None = None
    thread: int | None = None


async def send_once(
    bot: Bot, history: History, sending: Sending, send: Callable[[], Awaitable[Message]]
) -> tuple[Message, bool]:
    """The message, and whether it was sent now rather than found. Raises what `send` raises.

    Whoever calls writes the post down with `History.add_post(..., sending=sending.key)`, which is the end of it.
    """
    if not await history.sendings.intend(sending.chat_id, sending.key, sending.after):
        found = await find_sent(bot, history, sending)
        if found is not None:
            log.info("%s of chat %d had been sent as message %d", sending.key, sending.chat_id, found.message_id)
            return found, False
    try:
        return await send(), True
    except AiogramError as refused:
        if classify(refused) is not Refusal.UNKNOWN_OUTCOME:
            await history.sendings.strike(sending.chat_id, sending.key)
        raise


async def rewrite(
    bot: Bot, chat_id: int, message_id: int, text: str, markup: InlineKeyboardMarkup | None = None
) -> Message | bool:
    """Replaces the words (HTML) and buttons of a message, be it a text or a photo with a caption."""
    where: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": markup}
    try:
        return await bot.edit_message_text(text=text, parse_mode="HTML", **where)
    except TelegramBadRequest as error:
        if not has_no_text(error):
            raise
    return await bot.edit_message_caption(caption=text, parse_mode="HTML", **where)


def carrying(markup: InlineKeyboardMarkup) -> Callable[[Message], bool]:
    """Knows a message by its buttons: these and no others."""
    wanted = _carried(markup)
    return lambda message: bool(wanted) and _carried(message.reply_markup) == wanted


async def find_sent(bot: Bot, history: History, sending: Sending) -> Message | None:
    """The message, where it was about to be sent and most likely has been. Raises what Telegram raises."""
    candidate = await history.sendings.likeliest(sending.chat_id, sending.key)
    if candidate is None:
        return None
    probe = await bot.send_message(
        sending.chat_id,
        "…",
        reply_parameters=ReplyParameters(message_id=candidate, allow_sending_without_reply=True),
        message_thread_id=sending.thread,
        disable_notification=True,
    )
    with contextlib.suppress(TelegramBadRequest):
        await bot.delete_message(sending.chat_id, probe.message_id)
    there = probe.reply_to_message
    ours = there is not None and there.from_user is not None and there.from_user.id == bot.id
    return there if there is not None and ours and sending.mine(there) else None


def _carried(markup: InlineKeyboardMarkup | None) -> list[str]:
    rows = markup.inline_keyboard if markup is not None else []
    return [key.callback_data for row in rows for key in row if key.callback_data]
