"""Who may act for a chat: its administrators, as Telegram knows them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from weakref import WeakValueDictionary

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner

from inference.queue.recent import Recent

log = logging.getLogger(__name__)

LASTS_SECONDS = 60.0
_REMEMBERED = 4096


class Administrators:
    """State: what Telegram has said lately, bounded, so that quick fingers are not asked about one by one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: Recent[tuple[int, int], tuple[bool | None, float]] = Recent(_REMEMBERED)
        self._asking: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def include(self, bot: Bot, chat_id: int, user_id: int) -> bool | None:
        """Whether somebody is an administrator of a chat; None where Telegram does not tell us."""
        key = (chat_id, user_id)
        async with self._asking.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            if known is not None and self._clock() - known[1] < LASTS_SECONDS:
                return known[0]
            verdict = await _ask(bot, chat_id, user_id)
            self._known[key] = (verdict, self._clock())
            return verdict


async def _ask(bot: Bot, chat_id: int, user_id: int) -> bool | None:
    try:
        member = await bot.get_chat_member(chat_id, user_id)
    except AiogramError as error:
        log.info("nobody says whether %d is an administrator of %d: %s", user_id, chat_id, error)
        return None
    return isinstance(member, ChatMemberOwner | ChatMemberAdministrator)
