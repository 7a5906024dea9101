"""Words to the owners in private: what is wrong with their studio, once an hour a cause, restarts included."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from aiogram import Bot

from bot.telegram.refusals import classify, passes
from bot.telegram.screen import Place, Screen, send
from bot.telegram.told import Told
from bot.texts import troubles
from bot.texts.i18n import speaking
from bot.texts.languages import Language
from bot.troubles import OwnersCause
from inference.queue.redaction import redact

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
MOST_CHARS = 800
SECONDS_TO_SEND = 60.0


class Notices:
    """State: when each cause was told last, and the messages on their way.

    `tell` may be called from any task of the loop, whatever is broken: it returns at once and raises nothing.
    `on_cause` hears of every cause, told or not.
    """

    def __init__(
        self,
        bot: Bot,
        owners: Collection[int],
        *,
        language: Language = "en",
        told: Told | None = None,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self.on_cause: Callable[[OwnersCause], None] | None = None
        self._bot = bot
        self._owners = sorted(owner for owner in owners if owner > 0)
        self._language = language
        self._told = told or Told()
        self._every = every_seconds
        self._sending: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()

    def tell(self, cause: OwnersCause, text: str) -> None:
        """Tells every owner `text` (plain, of any length and origin), under the heading of its cause, unless that was
        told within the hour."""
        if self.on_cause is not None:
            self.on_cause(cause)
        if self._told.within(cause, self._every):
            return
        self._told.note(cause)
        reason = redact(text)[:MOST_CHARS]
        log.error("for the owner: %s: %s", cause, reason)
        task = asyncio.get_running_loop().create_task(self._tell(cause, reason), name=f"notice of {cause}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Lets what is under way arrive."""
        if self._sending:
            await asyncio.wait(tuple(self._sending), timeout=grace_seconds)
        for task in tuple(self._sending):
            task.cancel()

    async def _tell(self, cause: OwnersCause, reason: str) -> None:
        """To all of them. Where none could be reached for now, the next time it happens they are told again."""
        with speaking(self._language):
            message = troubles.notice(cause, reason)
        await self._write()  # before anything is sent: a program that dies of it has told it
        lost = await asyncio.gather(*(self._send(owner, message) for owner in self._owners))
        if lost and all(lost):
            self._told.forget(cause)
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            await asyncio.to_thread(self._told.write)

    async def _send(self, owner: int, message: str) -> bool:
        """Whether it was lost and might arrive another time."""
        try:
            async with asyncio.timeout(SECONDS_TO_SEND):
                await send(self._bot, Place(owner), Screen(message))
        except Exception as error:  # an owner who never wrote to the bot, a revoked token, a dead network
            log.warning("owner %d could not be told: %s", owner, error)
            return isinstance(error, TimeoutError) or passes(classify(error))
        return False
