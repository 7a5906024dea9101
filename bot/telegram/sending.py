"""Sending a message once, although a kill or a lost answer may leave it open whether an earlier try got through.

The Bot API lists no messages. But whoever answers a message is told what it looks like: so one silent answer to the
likeliest id, taken back at once, shows whether that is the message, and no second one is sent then.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup, Message, ReplyParameters

from bot.store import History
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Place, Screen, send

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sending:
    """A message to send: `key` names it among all of its chat, `mine` knows it again. What it answers came before."""

    place: Place
    key: str
    mine: Callable[[Message], bool]


async def send_once(
    bot: Bot, history: History, sending: Sending, send: Callable[[], Awaitable[Message]]
) -> tuple[Message, bool]:
    """The message, and whether it was sent now rather than found. Raises what `send` raises.

    Whoever calls writes the post down with `History.add_post(..., sending=sending.key)`, which is the end of it.
    """
    chat_id = sending.place.chat_id
    if not await history.sendings.intend(chat_id, sending.key, sending.place.answer_to):
        found = await find_sent(bot, history, sending)
        if found is not None:
            log.info("%s of chat %d had been sent as message %d", sending.key, chat_id, found.message_id)
            return found, False
    try:
        return await send(), True
    except AiogramError as refused:
        if classify(refused) is not Refusal.UNKNOWN_OUTCOME:
            await history.sendings.strike(chat_id, sending.key)
        raise


async def send_screen_once(bot: Bot, history: History, place: Place, key: str, screen: Screen) -> tuple[Message, bool]:
    """The same for a message that is known again by its keys."""
    sending = Sending(place, key, carrying(screen.keys))
    return await send_once(bot, history, sending, lambda: send(bot, place, screen))


def carrying(markup: InlineKeyboardMarkup | None) -> Callable[[Message], bool]:
    """Knows a message by its buttons: these and no others."""
    wanted = carried(markup)
    return lambda message: bool(wanted) and carried(message.reply_markup) == wanted


def carried(markup: InlineKeyboardMarkup | None) -> list[str]:
    """What the buttons of a keyboard carry, in their order."""
    rows = markup.inline_keyboard if markup is not None else []
    return [key.callback_data for row in rows for key in row if key.callback_data]


async def find_sent(bot: Bot, history: History, sending: Sending) -> Message | None:
    """The message, where it was about to be sent and most likely has been. Raises what Telegram raises."""
    chat_id, thread = sending.place.chat_id, sending.place.thread
    candidate = await history.sendings.likeliest(chat_id, sending.key)
    if candidate is None:
        return None
    probe = await bot.send_message(
        chat_id,
        "…",
        reply_parameters=ReplyParameters(message_id=candidate, allow_sending_without_reply=True),
        message_thread_id=thread,
        disable_notification=True,
    )
    with contextlib.suppress(TelegramBadRequest):
        await bot.delete_message(chat_id, probe.message_id)
    there = probe.reply_to_message
    ours = there is not None and there.from_user is not None and there.from_user.id == bot.id
    return there if there is not None and ours and sending.mine(there) else None
