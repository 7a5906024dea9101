"""One database for jobs and history: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 30_000  # a stalled disk is waited for: SQLite does not serve waiting writers in order


class DriverMissing(RuntimeError):
    """The library that speaks to this kind of database is not installed; the message says how to get it."""


def open_database(url: str) -> AsyncEngine:
    """An engine for the given URL; connects lazily. The folder of a SQLite file is made if it is missing.

    A commit on SQLite survives a power cut (WAL with synchronous=FULL). Its transactions begin with the write lock
    already held, because one that reads first and writes later may be refused halfway; see `reading` for the others.
    Raises DriverMissing.
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
    if target.database and target.database != ":memory:":
        Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    database = create_async_engine(target)
    event.listen(database.sync_engine, "connect", _prepare_sqlite)
    event.listen(database.sync_engine, "begin", _begin_sqlite)
    return database


def reading(database: AsyncEngine) -> AsyncEngine:
    """The same engine and pool for statements that only read: on SQLite they never wait for a writer."""
    return database.execution_options(sqlite_begin="DEFERRED")


def unsynced(database: AsyncEngine) -> AsyncEngine:
    """The same engine and pool for writes that are not fsynced: they outlive the process, but perhaps no power cut.

    None of them outlives an earlier one that is lost, and every commit of the engine itself secures all before it.
    """
    return database.execution_options(synced=False)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late, ours is in _begin_sqlite
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


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
