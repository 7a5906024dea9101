"""Of several bots on one PostgreSQL database one leads; the others stand by, and the next takes over when it is gone.

Who leads holds a lock on a connection of its own. The server gives it to another as soon as that connection ends, by
whatever end: no clock is asked, and nothing is left behind by a kill.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inference.queue.database import open_database, turn_key

log = logging.getLogger(__name__)

TRY_SECONDS = 1.0
BEAT_SECONDS = 1.0
ANSWER_SECONDS = 3.0  # shorter than the server needs to give up on us, so that we know first
BREATH_SECONDS = 0.5  # for an answer that has come while our own loop stood still
# Who is cut off from the server is given up by it after 2 + 2 · 1 s, and again if our last words are not acknowledged.
_KEPT_ALIVE = (
    "tcp_keepalives_idle = 2",
    "tcp_keepalives_interval = 1",
    "tcp_keepalives_count = 2",
    "tcp_user_timeout = 4000",
)
_TRY = f"SELECT pg_try_advisory_lock({turn_key('leader')})"


def leave_at_once() -> None:
    """Ends this program as a kill would, which harms nothing: another one leads already."""
    log.critical("the connection by which this bot leads is lost; another may lead by now, so this one ends")
    os._exit(os.EX_TEMPFAIL)


@asynccontextmanager
async def leading(
    url: str,
    stop: asyncio.Event,
    *,
    standing_by: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    lost: Callable[[], None] = leave_at_once,
) -> AsyncIterator[bool]:
    """Inside, this program leads; waits for that within `standing_by()`. False where `stop` was set before.

    `lost` is called when the server may have another lead. On SQLite, which is for one program, one leads at once.
    Raises DriverMissing, and what the database raises when it cannot be reached at the start.
    """
    if make_url(url).get_backend_name() != "postgresql":
        yield True
        return
    engine = open_database(url).execution_options(isolation_level="AUTOCOMMIT")
    try:
        async with AsyncExitStack() as ours:
            connection = await _connected(engine, ours)
            if not await _leads(connection):
                log.info("another bot leads; this one stands by")
                async with standing_by():
                    waited_for = await _wait(engine, ours, connection, stop)
                if waited_for is None:
                    yield False
                    return
                connection = waited_for
                log.info("the other bot is gone; this one leads")
            beating = asyncio.create_task(_beat(connection, lost), name="leading")
            try:
                yield True
            finally:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating
    finally:
        await engine.dispose()


async def _connected(engine: AsyncEngine, ours: AsyncExitStack) -> AsyncConnection:
    connection = await ours.enter_async_context(engine.connect())
    for setting in _KEPT_ALIVE:
        await connection.exec_driver_sql(f"SET {setting}")
    return connection


async def _leads(connection: AsyncConnection) -> bool:
    return bool((await connection.exec_driver_sql(_TRY)).scalar_one())


async def _wait(
    engine: AsyncEngine, ours: AsyncExitStack, connection: AsyncConnection | None, stop: asyncio.Event
) -> AsyncConnection | None:
    """The connection that leads; None where `stop` was set before."""
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(TRY_SECONDS):
                await stop.wait()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if connection is None:
                    connection = await _connected(engine, ours)
                if not stop.is_set() and await _leads(connection):
                    return connection
        except (SQLAlchemyError, OSError, TimeoutError) as failure:
            log.warning("standing by, the database does not answer: %s", failure)
            connection = None
    return None


async def _beat(connection: AsyncConnection, lost: Callable[[], None]) -> None:
    """Asks again and again whether the server still knows us."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        if not await _answers(connection):
            lost()
            return


async def _answers(connection: AsyncConnection) -> bool:
    asking = asyncio.ensure_future(connection.exec_driver_sql("SELECT 1"))
    try:
        for patience in (ANSWER_SECONDS, BREATH_SECONDS):
            done, _waiting = await asyncio.wait({asking}, timeout=patience)
            if done:
                return asking.exception() is None
        return False
    finally:
        asking.cancel()
