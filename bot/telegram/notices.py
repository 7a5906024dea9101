"""Words to the owners in private: what is wrong with their studio, once an hour a cause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from aiogram import Bot

from bot.telegram.screen import Place, Screen, send
from bot.texts import troubles
from bot.texts.i18n import speaking
from bot.texts.languages import Language
from inference.queue.redaction import redact

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
MOST_CHARS = 800
SECONDS_TO_SEND = 60.0
_REMEMBERED = 256


class Notices:
    """State: when each cause was told last, and the messages on their way.

    `tell` may be called from any task of the loop, whatever is broken: it returns at once and raises nothing.
    """

    def __init__(
        self,
        bot: Bot,
        owners: Collection[int],
        *,
        language: Language = "en",
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._owners = sorted(owner for owner in owners if owner > 0)
        self._language = language
        self._every = every_seconds
        self._clock = clock
        self._told_at: dict[str, float] = {}
        self._sending: set[asyncio.Task[None]] = set()

    def tell(self, cause: str, text: str) -> None:
        """Tells every owner `text` (plain, of any length and origin) unless this cause was told within the hour.

        Known causes have a heading of their own (`troubles.notice`); any other word is a cause as well.
        """
        now = self._clock()
        told_at = self._told_at.get(cause)
        if told_at is not None and now - told_at < self._every:
            return
        if len(self._told_at) >= _REMEMBERED:
            self._told_at.pop(min(self._told_at, key=lambda known: self._told_at[known]))
        self._told_at[cause] = now
        reason = redact(text)[:MOST_CHARS]
        log.error("for the owner: %s: %s", cause, reason)
        with speaking(self._language):
            message = troubles.notice(cause, reason)
        for owner in self._owners:
            task = asyncio.get_running_loop().create_task(self._send(owner, message), name=f"notice to {owner}")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Lets what is under way arrive."""
        if self._sending:
            await asyncio.wait(tuple(self._sending), timeout=grace_seconds)
        for task in tuple(self._sending):
            task.cancel()

    async def _send(self, owner: int, message: str) -> None:
        try:
            async with asyncio.timeout(SECONDS_TO_SEND):
                await send(self._bot, Place(owner), Screen(message))
        except Exception as error:  # an owner who never wrote to the bot, a revoked token, a dead network
            log.warning("owner %d could not be told: %s", owner, error)
