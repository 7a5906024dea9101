"""Doing something for a job as long as trying may help, and giving it up where it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from aiogram.exceptions import AiogramError

from bot.telegram.refusals import classify, passes
from bot.troubles import cause_of
from inference.queue.backoff import pauses

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
FEW_TRIES = 3


async def until_done(
    job_id: int,
    do: Callable[[int], Awaitable[None]],
    give_up: Callable[[int, Exception], Awaitable[None]],
    failed: Exception | None = None,
    *,
    closing: asyncio.Event,
    first: float = 1.0,
) -> None:
    """Returns when something has been done or given up, or is to be tried again and the bot is `closing`; `failed` is
    how a first try has ended, `first` the seconds to the next. Both steps look at what the job is now, since any time
    may have passed."""
    for failures, pause in enumerate(pauses(first, LONGEST_PAUSE, jitter=0.2), start=1):
        error = failed or await _failure(do(job_id))
        failed = None
        if error is not None and not _may_pass(error, failures):
            error = await _failure(give_up(job_id, error))
        if error is None:
            return
        log.info("job %d has to wait for another try: %s", job_id, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), pause)
            return


async def _failure(work: Awaitable[None]) -> Exception | None:
    """What has kept a piece of work from being done; None where it is done."""
    try:
        await work
    except Exception as error:
        return error
    return None


def _may_pass(error: Exception, failures: int) -> bool:
    """Whether trying again may help: what Telegram, the network, database and disk have, passes or is known not to. Of
    anything else nobody knows, so it is given a few tries."""
    if isinstance(error, AiogramError):
        return passes(classify(error))
    if cause_of(error) is not None:
        return True
    log.error("an error of our own, for the %d. time", failures, exc_info=error)
    return failures < FEW_TRIES
