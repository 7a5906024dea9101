"""One database for jobs and history: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 30_000  # a stalled disk is waited for, and another program that writes
ENDING_SECONDS = 5.0  # for threads that are still connecting, or closing, when the database is let go
_READERS = 8  # connections at a time; more would only take turns at the same cores


class DriverMissing(RuntimeError):
    """The library that speaks to this kind of database is not installed; the message says how to get it."""


def open_database(url: str) -> AsyncEngine:
    """An engine for the given URL; connects lazily. The folder of a SQLite file is made if it is missing.

    A commit on SQLite survives a power cut (WAL with synchronous=FULL). Its transactions begin with the write lock
    already held, because one that reads first and writes later may be refused halfway; see `reading` for the others.
    SQLite lets waiting writers in by chance, late ones before early ones; so the engine has one connection, and its
    tasks get it in the order in which they came. A task that holds it must not begin another transaction.

    Raises DriverMissing, and ValueError for SQLite without a file.
    """
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        try:
            database = create_async_engine(target, pool_pre_ping=True)
        except ModuleNotFoundError as absent:
            extra = target.get_backend_name().replace("postgresql", "postgres")
            raise DriverMissing(f"{absent.name} is not installed; pip install '.[{extra}]' brings it") from absent
        event.listen(database.sync_engine, "begin", _begin_postgres)
        return database
    if target.database in (None, "", ":memory:"):
        raise ValueError("a database in memory forgets everything: name a file")
    Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    readers = _sqlite(target, _READERS, sqlite_begin="DEFERRED")
    database = _sqlite(target, 1, readers=readers)

    def dispose(_engine: Engine) -> None:
        readers.sync_engine.dispose()

    event.listen(database.sync_engine, "engine_disposed", dispose)
    return database


def reading(database: AsyncEngine) -> AsyncEngine:
    """The same database for statements that only read: on SQLite they never wait for a writer."""
    readers: AsyncEngine = database.sync_engine.get_execution_options().get("readers", database)
    return readers


def unsynced(database: AsyncEngine) -> AsyncEngine:
    """The same engine for writes that are not fsynced: they outlive the process, but perhaps no power cut.

    None of them outlives an earlier one that is lost, and every commit of the engine itself secures all before it.
    """
    return database.execution_options(synced=False)


def remodelling(database: AsyncEngine) -> AsyncEngine:
    """The same engine for changes of tables: SQLite makes some of them anew and lets nobody refer to the old one, so
    references are not enforced meanwhile."""
    return database.execution_options(references=False)


def inserting(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT in the words of this database, which can be told what to do about a row that is there already."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def take_turns(connection: AsyncConnection, about: str) -> None:
    """Waits until no other transaction that takes turns about this is open; from here to its end, this one is alone.

    For what looks first and writes what follows from it: PostgreSQL would let two look at once, in whatever programs
    they are. SQLite's writing transactions take turns by themselves. Whoever takes turns about two things takes them
    in the order of the alphabet.
    """
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({turn_key(about)})")


def turn_key(about: str) -> int:
    """The number by which PostgreSQL knows what turns are taken about."""
    return int.from_bytes(hashlib.sha256(f"studio: {about}".encode()).digest()[:8], "big", signed=True)


def _sqlite(target: URL, connections: int, **options: Any) -> AsyncEngine:
    threads = _Threads()
    engine = create_async_engine(
        target,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_MS / 1000,
        execution_options=options,
        connect_args={"async_creator_fn": threads.connect},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "engine_disposed", threads.join)
    return engine


class _Threads:
    """The threads of one engine's connections, each of which has its own, that were told to stop.

    Whoever is cancelled while it connects tells its thread to stop and does not wait for it. Such a thread still has
    something to tell the event loop, and fails where that is closed by then. So they are waited for when the engine
    is let go, while its loop is there.
    """

    def __init__(self) -> None:
        self._stopped: set[Thread] = set()

    def connect(self, database: str, **options: Any) -> aiosqlite.Connection:
        """A connection to be awaited, as `aiosqlite.connect` gives it. Its thread keeps no program alive."""
        connection = _Connection(lambda: sqlite3.connect(database, **options), self._stopped)
        connection._thread.daemon = True
        return connection

    def join(self, _engine: Engine) -> None:
        """Waits for those that were told to stop, ENDING_SECONDS at most; what they tell the loop it reads later."""
        deadline = time.monotonic() + ENDING_SECONDS
        while self._stopped:
            self._stopped.pop().join(max(0.0, deadline - time.monotonic()))


class _Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], stopped: set[Thread]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._stopped = stopped

    def stop(self) -> asyncio.Future[Any] | None:
        self._stopped.difference_update([thread for thread in list(self._stopped) if not thread.is_alive()])
        self._stopped.add(self._thread)
        return super().stop()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late, ours is in _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(connection, cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(connection: Any, cursor: Any) -> None:
    """Switches a new file to a write-ahead log. SQLite does not wait by itself where another program does so too."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as refused:
            if refused.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        connection.run_async(lambda _connection: asyncio.sleep(0.01))


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    level = "FULL" if options.get("synced", True) else "NORMAL"
    if connection.info.get("synchronous", "FULL") != level:  # it cannot be changed inside a transaction
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.info["synchronous"] = level
    enforced = options.get("references", True)
    if connection.info.get("references", True) != enforced:  # nor this
        connection.exec_driver_sql(f"PRAGMA foreign_keys={'ON' if enforced else 'OFF'}")
        connection.info["references"] = enforced
    connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'IMMEDIATE')}")


def _begin_postgres(connection: Connection) -> None:
    if not connection.get_execution_options().get("synced", True):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
