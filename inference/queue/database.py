"""One database for jobs and history: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 30_000  # a stalled disk is waited for, and another program that writes
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
    engine = create_async_engine(
        target,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_MS / 1000,
        execution_options=options,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


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
    connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'IMMEDIATE')}")


def _begin_postgres(connection: Connection) -> None:
    if not connection.get_execution_options().get("synced", True):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
