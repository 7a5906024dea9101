"""Updates by long polling.

Telegram forgets an update when a later one is asked for, so that is done only when it is in the inbox. What cannot be
read holds up nobody: it is passed over, by its number if that is all that can be told of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

from bot.telegram.inbox import Inbox, NotWritten
from bot.telegram.updates import GetRawUpdates, id_in, id_of, log_odd

log = logging.getLogger(__name__)

HOLD_SECONDS = 25
LONGEST_BACKOFF = 15.0
MOST_AT_ONCE = 100


async def poll(bot: Bot, inbox: Inbox, stop: asyncio.Event, *, allowed_updates: Sequence[str]) -> None:
    """Brings updates into an open inbox until `stop` is set; what is in it then is confirmed.

    Raises TelegramUnauthorizedError when the token is revoked.
    """
    ask = GetRawUpdates(timeout=HOLD_SECONDS, allowed_updates=list(allowed_updates), limit=MOST_AT_ONCE)
    failures = 0
    try:
        while not stop.is_set() and await _before(stop, inbox.room()):
            asking = asyncio.create_task(bot(ask, request_timeout=HOLD_SECONDS + 15))
            if not await _before(stop, asking):
                break
            try:
                # What lies before the offset of an answered poll is gone, and numbers may begin anew: it is not kept.
                ask = _changed(ask, offset=await _taken_in(inbox, asking), limit=MOST_AT_ONCE)
                failures = 0
                continue
            except TelegramUnauthorizedError:
                raise
            except _Unreadable as unreadable:
                ask, failures = _past(ask, unreadable), failures + 1
                pause = _backoff(failures, first=0.1)
            except NotWritten:
                failures += 1
                pause = _backoff(failures, first=0.5)
            except AiogramError as error:
                failures += 1
                pause = _pause_after(error, failures)
                log.warning("no updates: %s; next try in %.1f s", error, pause)
            await _before(stop, asyncio.sleep(pause))
    finally:
        await _confirm(bot, ask.offset)


def _changed(ask: GetRawUpdates, *, offset: int | None, limit: int) -> GetRawUpdates:
    return ask.model_copy(update={"offset": offset, "limit": limit})


class _Unreadable(Exception):
    """An answer with something in it that cannot be decoded."""

    def __init__(self, text: str) -> None:
        super().__init__(text[:100])
        self.text = text
        self.update_id = id_in(text)


async def _taken_in(inbox: Inbox, asked: asyncio.Task[list[Any]]) -> int | None:
    """Has what came written down; returns the offset that confirms it, None where nothing came."""
    try:
        raws = asked.result()
    except ClientDecodeError as garbled:
        if isinstance(garbled.data, str):
            raise _Unreadable(garbled.data) from garbled.original
        raise
    ids = [id_ for raw in raws if (id_ := id_of(raw)) is not None]
    await inbox.receive(raws)
    if raws and not ids:
        raise AiogramError("none of the updates has a number")
    return max(ids) + 1 if ids else None


def _past(ask: GetRawUpdates, unreadable: _Unreadable) -> GetRawUpdates:
    """The next question after an answer nobody can decode: for one update alone, or for those after that one."""
    if ask.limit != 1 or unreadable.update_id is None:
        log.warning("updates cannot be decoded: %s", str(unreadable.__cause__)[:300])
        return _changed(ask, offset=ask.offset, limit=1)
    log_odd(unreadable.update_id, "it cannot be decoded", unreadable.text)
    return _changed(ask, offset=unreadable.update_id + 1, limit=MOST_AT_ONCE)


def _pause_after(error: AiogramError, failures: int) -> float:
    if isinstance(error, TelegramRetryAfter):
        return float(error.retry_after)
    if isinstance(error, TelegramConflictError):
        return 5.0  # another copy of the bot is polling; the newer one wins when the older is stopped
    return _backoff(failures, first=0.2 if isinstance(error, TelegramNetworkError) else 1.0)


def _backoff(failures: int, *, first: float) -> float:
    return min(LONGEST_BACKOFF, first * 2.0 ** min(failures - 1, 10))


async def _before(stop: asyncio.Event, work: Awaitable[Any]) -> bool:
    """Whether the work ended before `stop` was set; it is cancelled otherwise. What it raised is kept in it."""
    task, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        return True
    task.cancel()
    await asyncio.wait({task})
    return False


async def _confirm(bot: Bot, offset: int | None) -> None:
    """Tells Telegram what is in the inbox, so that the next start does not see it again."""
    if offset is None:
        return
    try:
        await bot.get_updates(offset=offset, timeout=0, limit=1, request_timeout=5)
    except AiogramError as error:
        log.info("the last updates stay unconfirmed: %s", error)
