"""A word to whoever sent an update that nobody will try again, or that cannot be taken in for now; and how to make sure
of a last word."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import Update

from bot.telegram.meant import is_meant
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Place, Screen, send
from bot.telegram.senders import message_of
from bot.texts import troubles
from bot.texts.i18n import _, speaking
from bot.texts.languages import language_for
from bot.troubles import cause_of
from inference.queue.recent import Recent

log = logging.getLogger(__name__)

AGAIN_SECONDS = 600.0
INSISTING = 3  # more tries
_REMEMBERED = 4096


async def apologise(bot: Bot, update: Update) -> None:
    """Says that it is our fault, and what to do; in groups only where the bot was meant.

    Nothing of the update is looked into but who sent it, where to, and whom it names; nothing is asked of the database.
    """
    if update.callback_query is not None:
        with contextlib.suppress(AiogramError):  # Telegram may have given the press up; the words say it all
            await bot.answer_callback_query(update.callback_query.id)
    await _say(
        bot,
        update,
        lambda: _(
            "I have stopped three times over this, so I have put it aside. The fault is mine, not yours, and the owner "
            "has been told. Other words or another picture may well work."
        ),
    )


class Excuses:
    """State: which chats have heard lately that nothing can be taken in. Telegram keeps what they send meanwhile."""

    def __init__(self, bot: Bot, clock: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._clock = clock
        self._told: Recent[int, float] = Recent(_REMEMBERED)

    async def tell(self, updates: Sequence[Update], error: Exception) -> None:
        """Says what is wrong, whose fault it is, and that nothing is lost, to every chat once in a while."""
        cause = cause_of(error) or "database"
        for update in updates:
            message = message_of(update)
            if message is not None and self._is_news_to(message.chat.id):
                await _say(self._bot, update, lambda: troubles.unread(cause))

    def _is_news_to(self, chat_id: int) -> bool:
        now = self._clock()
        if now - self._told.get(chat_id, float("-inf")) < AGAIN_SECONDS:
            return False
        self._told[chat_id] = now
        return True


async def insist(say: Callable[[], Awaitable[object]]) -> None:
    """Says the last word on something, and again while nobody knows whether it got through: who reads it twice has lost
    less than who waits for ever. Raises what the last try raised."""
    for _try in range(INSISTING):
        try:
            await say()
            return
        except AiogramError as unheard:
            if classify(unheard) is not Refusal.UNKNOWN_OUTCOME:
                raise
    await say()


async def _say(bot: Bot, update: Update, words: Callable[[], str]) -> None:
    press, message = update.callback_query, message_of(update)
    asked = press.message if press is not None else message
    sender = press.from_user if press is not None else message.from_user if message is not None else None
    if asked is None or sender is None or (message is not None and not await is_meant(message, bot)):
        return
    with speaking(language_for(sender.language_code)):
        text = words()
    try:
        await insist(lambda: send(bot, Place(asked.chat.id, asked.message_id, aloud=True), Screen(text)))
    except AiogramError as unheard:
        log.warning("update %d: the person could not be told: %s", update.update_id, unheard)
