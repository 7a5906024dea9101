"""Updates by long polling.

aiogram's own loop confirms updates before they are handled and closes the session under the handlers that still run.
This one asks for the next batch only when the last one is handled (or has taken too long to wait for), so that a crash
in between leads to a second delivery rather than to silence, and it ends when the last handler has. What it had to cut
short at its end is not confirmed either, as long as no later poll has done so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    AiogramError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update

log = logging.getLogger(__name__)

HOLD_SECONDS = 25
LONGEST_BACKOFF = 15.0


async def poll(
    bot: Bot,
    dispatcher: Dispatcher,
    stop: asyncio.Event,
    *,
    allowed_updates: Sequence[str],
    patience: float = 1.0,
    drain_seconds: float = 10.0,
) -> None:
    """Fetches and handles updates until `stop` is set, then waits for the handlers that still run.

    `patience`: how long a batch may hold up the next one. Raises TelegramUnauthorizedError when the token is revoked.
    """
    running: dict[asyncio.Task[None], int] = {}
    offset: int | None = None
    try:
        while not stop.is_set():
            updates = await _next_updates(bot, offset, allowed_updates, stop)
            batch = {asyncio.create_task(handle(bot, dispatcher, update)): update.update_id for update in updates}
            running |= batch
            for task in batch:
                task.add_done_callback(running.pop)
            if batch:
                offset = updates[-1].update_id + 1
                await asyncio.wait(batch, timeout=patience)
    finally:
        cut_short = await _drain(running, drain_seconds)
        await _confirm(bot, min(cut_short, default=offset))


async def handle(bot: Bot, dispatcher: Dispatcher, update: Update) -> None:
    """One update through the dispatcher; what its error handlers let through is logged and goes no further."""
    try:
        await dispatcher.feed_update(bot, update)
    except Exception:
        log.exception("update %d", update.update_id)


async def _next_updates(
    bot: Bot, offset: int | None, allowed_updates: Sequence[str], stop: asyncio.Event
) -> list[Update]:
    """The next updates, or none once `stop` is set. Troubles of the network are waited out."""
    failures = 0
    while not stop.is_set():
        asking = asyncio.create_task(
            bot.get_updates(
                offset=offset,
                timeout=HOLD_SECONDS,
                allowed_updates=list(allowed_updates),
                request_timeout=HOLD_SECONDS + 15,
            )
        )
        if not await _finished_before(asking, stop):
            break
        try:
            return asking.result()
        except TelegramUnauthorizedError:
            raise
        except AiogramError as error:
            failures += 1
            pause = _pause_after(error, failures)
            log.warning("no updates: %s; next try in %.1f s", error, pause)
            await _finished_before(asyncio.create_task(asyncio.sleep(pause)), stop)
    return []


def _pause_after(error: AiogramError, failures: int) -> float:
    if isinstance(error, TelegramRetryAfter):
        return float(error.retry_after)
    if isinstance(error, TelegramConflictError):
        return 5.0  # another copy of the bot is polling; the newer one wins when the older is stopped
    first = 0.2 if isinstance(error, TelegramNetworkError) else 1.0
    return min(LONGEST_BACKOFF, first * 2.0 ** min(failures - 1, 10))


async def _finished_before(task: asyncio.Task[object] | asyncio.Task[list[Update]], stop: asyncio.Event) -> bool:
    """Whether the task ended before `stop` was set; it is cancelled otherwise."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        return True
    task.cancel()
    await asyncio.wait({task})
    return False


async def _drain(running: dict[asyncio.Task[None], int], seconds: float) -> list[int]:
    """Waits for the handlers; returns the ids of the updates whose handlers did not end in time."""
    if not running:
        return []
    log.info("waiting for %d handlers to end", len(running))
    update_of = dict(running)
    _, late = await asyncio.wait(update_of, timeout=seconds)
    for task in late:
        log.warning("update %d was not handled in time", update_of[task])
        task.cancel()
    if late:
        await asyncio.wait(late)
    return [update_of[task] for task in late]


async def _confirm(bot: Bot, offset: int | None) -> None:
    """Tells Telegram what has been handled, so that the next start does not see it again."""
    if offset is None:
        return
    try:
        await bot.get_updates(offset=offset, timeout=0, limit=1, request_timeout=5)
    except AiogramError as error:
        log.info("the last updates stay unconfirmed: %s", error)
