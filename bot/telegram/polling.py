"""Updates by long polling.

Telegram forgets an update when a later one is asked for, so that is done only when it is in the inbox. What cannot be
read holds up nobody: it is passed over, by its number if that is all that can be told of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
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
from bot.telegram.updates import GetRawUpdates, id_in, id_of, log_odd, updates_in
from inference.queue.backoff import pause_after

log = logging.getLogger(__name__)

HOLD_SECONDS = 25
PATIENCE_SECONDS = HOLD_SECONDS + 15
LONGEST_BACKOFF = 15.0
GREATEST_GAP = 1_000_000


async def poll(
    bot: Bot,
    inbox: Inbox,
    stop: asyncio.Event,
    *,
    allowed_updates: Sequence[str],
    on_answer: Callable[[], None] = lambda: None,
) -> None:
    """Brings updates into an open inbox until `stop` is set; what is in it then is confirmed. `on_answer` is called
    when an answer, even an empty one, has been taken in.

    Raises TelegramUnauthorizedError when the token is revoked.
    """
    ask = GetRawUpdates(timeout=HOLD_SECONDS, allowed_updates=list(allowed_updates))
    failures = 0
    try:
        while not stop.is_set() and await _before(stop, inbox.room()):
            asking = asyncio.create_task(bot(ask, request_timeout=PATIENCE_SECONDS))
            if not await _before(stop, asking):
                break
            try:
                # What lies before the offset of an answered poll is gone, and numbers may begin anew: it is not kept.
                ask = ask.model_copy(update={"offset": await _taken_in(inbox, asking)})
                failures = 0
                on_answer()
                continue
            except TelegramUnauthorizedError:
                raise
            except NotWritten:
                failures += 1
                pause = pause_after(failures, first=0.5, longest=LONGEST_BACKOFF)
            except AiogramError as error:
                failures += 1
                pause = _pause_after(error, failures)
                log.warning("no updates: %s; next try in %.1f s", error, pause)
            await _before(stop, asyncio.sleep(pause))
    finally:
        await _confirm(bot, ask.offset)


async def _taken_in(inbox: Inbox, asked: asyncio.Task[list[Any]]) -> int | None:
    """Has what came written down; returns the offset that confirms it, None where nothing came."""
    ids: list[int | None] = []
    try:
        raws = asked.result()
    except ClientDecodeError as garbled:
        if not isinstance(garbled.data, str):
            raise
        log.warning("updates cannot be decoded together: %s", str(garbled.original)[:300])
        raws = []
        for text in updates_in(garbled.data):
            try:
                raws.append(json.loads(text))
            except (ValueError, RecursionError) as why:
                ids.append(id_in(text))
                log_odd(ids[-1], f"it cannot be decoded ({why})", text)
        if not raws and not ids:
            raise
    await inbox.receive(raws)
    ids += [id_of(raw) for raw in raws]
    known = sorted(id_ for id_ in ids if id_ is not None)
    if ids and not known:
        raise AiogramError("none of the updates has a number")
    return _beyond(known) if known else None


def _beyond(ids: Sequence[int]) -> int:
    """The offset after rising numbers, but for those after a great gap: a wrong one would confirm what nobody has seen.

    What it leaves comes again, is known, and is confirmed when it comes alone.
    """
    last = ids[0]
    for id_ in ids[1:]:
        if id_ - last > GREATEST_GAP:
            break
        last = id_
    return last + 1


def _pause_after(error: AiogramError, failures: int) -> float:
    if isinstance(error, TelegramRetryAfter):
        return float(error.retry_after)
    if isinstance(error, TelegramConflictError):
        return 5.0  # another copy of the bot is polling; the newer one wins when the older is stopped
    first = 0.2 if isinstance(error, TelegramNetworkError) else 1.0
    return pause_after(failures, first=first, longest=LONGEST_BACKOFF)


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
        await bot(GetRawUpdates(offset=offset, timeout=0, limit=1), request_timeout=5)
    except AiogramError as error:
        log.info("the last updates stay unconfirmed: %s", error)
