"""Copies of a whole database: taken while others write to it, laid down where nothing is, and compared row by row."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from sqlalchemy import URL, inspect, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from inference.queue.database import open_database

COPY = {"sqlite": "studio.db", "postgresql": "studio.dump"}  # the name of a copy, by the kind of its database
_AT_ONCE = 1000  # rows
_VERSION = "alembic_version"
_LOGS = ("-wal", "-journal")  # beside a file of SQLite, which takes what stands there for the file's own last words
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})  # FAT, many shares
Result = TypeVar("Result")


class CopyError(RuntimeError):
    """A copy cannot be taken or laid down; the message says why, in one line."""


class Contents(BaseModel):
    """What a table has: how many rows, and the sum of their sha256, which is the same in whatever order they lie."""

    model_config = ConfigDict(frozen=True)
    rows: int
    digest: str


Tables = dict[str, Contents]


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(url).get_backend_name()


async def in_thread(work: Callable[[threading.Event], Result]) -> Result:
    """What `work(stop)` returns, done in a thread. Whoever is cancelled meanwhile sets `stop` and goes on only when the
    thread has ended, so that it writes nothing into what is cleared away then."""
    stop = threading.Event()
    working = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([working])
        working.exception()  # of no interest any more
        raise


async def take_copy(url: str, path: Path) -> Tables:
    """Writes a database to a file that was not there, as it is at one moment; returns what is in it.

    Nobody who reads or writes meanwhile is held up. Raises CopyError, and what the database raises.
    """
    if kind_of(url) == "sqlite":
        await in_thread(lambda _stop: _copy_sqlite(_file(url), path))
        return await contents_of(path)
    return await _dump(url, path)


async def lay_down(path: Path, url: str, expected: Tables) -> None:
    """Makes the database of a copy where nothing is, and compares it with what was copied. Raises as `take_copy`."""
    if not await is_vacant(url):
        raise CopyError("there is something in this database already, and nothing is ever overwritten")
    if kind_of(url) == "sqlite":
        partial = await in_thread(lambda _stop: _lay_beside(path, _file(url)))
        _compare(await contents_of(partial), expected)
        await in_thread(lambda _stop: _put_in_place(partial, _file(url)))
    else:
        words = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={_name(url)}")
        await _run("pg_restore", (*words, str(path)), url)
        _compare(await contents_of(url), expected)


def _compare(found: Tables, expected: Tables) -> None:
    different = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    if different:
        raise CopyError(f"what was restored differs from what was backed up: {', '.join(different)}")


async def is_vacant(url: str) -> bool:
    """Whether there are no tables, and of SQLite neither a file nor the log of one: that would be written into whatever
    is laid beside it."""
    if kind_of(url) == "sqlite":
        path = _file(url)
        return not any(path.with_name(path.name + end).exists() for end in ("", *_LOGS))
    async with _reading(url) as connection:
        return not await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def prove_readable(path: Path, kind: str) -> None:
    """Reads a copy to its end. Raises CopyError for one that is damaged."""
    if kind == "postgresql":
        await _run("pg_restore", ("--file=" + os.devnull, str(path)), None)
        return
    with closing(sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True)) as copy:
        try:
            found = str(copy.execute("PRAGMA integrity_check").fetchone()[0])
        except sqlite3.DatabaseError as broken:
            found = str(broken)
    if found != "ok":
        raise CopyError(f"the copy is damaged: {found}")


async def contents_of(where: str | Path) -> Tables:
    """What is in all tables of a database, by its URL or its file, whatever revision they are of."""
    async with _reading(where) as connection:
        return await _read(connection)


async def revision_of(where: str | Path) -> str | None:
    """The last migration that was applied; None for a database that is none of ours."""
    async with _reading(where) as connection:
        if not await connection.run_sync(lambda sync: inspect(sync).has_table(_VERSION)):
            return None
        found: str | None = await connection.scalar(text(f"select version_num from {_VERSION}"))  # noqa: S608
        return found


@asynccontextmanager
async def _reading(where: str | Path) -> AsyncIterator[AsyncConnection]:
    """A connection that leaves a SQLite file as it lies, where `open_database` would give it a log beside it."""
    if isinstance(where, str) and kind_of(where) != "sqlite":
        database = open_database(where)
    else:
        path = where if isinstance(where, Path) else _file(where)
        query = {"mode": "ro", "uri": "true"}
        database = create_async_engine(URL.create("sqlite+aiosqlite", database=_uri(path), query=query))
    try:
        async with database.connect() as connection:
            yield connection
    finally:
        await database.dispose()


async def _read(connection: AsyncConnection) -> Tables:
    shapes = await connection.run_sync(_shapes)
    return {table: await _sum(connection, table, columns) for table, columns in shapes.items()}


def _shapes(sync: Any) -> dict[str, list[str]]:
    looked_at = inspect(sync)
    return {
        table: sorted(column["name"] for column in looked_at.get_columns(table))
        for table in sorted(looked_at.get_table_names())
    }


async def _sum(connection: AsyncConnection, table: str, columns: Iterable[str]) -> Contents:
    named = ", ".join(f'"{column}"' for column in columns)
    found = await connection.stream(text(f'select {named} from "{table}"'))  # noqa: S608 - names of our own tables
    rows = total = 0
    async for some in found.partitions(_AT_ONCE):
        for row in some:
            line = json.dumps(list(row), ensure_ascii=False, default=_plain).encode()
            total += int.from_bytes(hashlib.sha256(line).digest(), "big")
        rows += len(some)
    return Contents(rows=rows, digest=f"{total % 2**256:064x}")


def _plain(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(f"no column of ours holds a {type(value).__name__}")


# SQLite


def _file(url: str) -> Path:
    return Path(str(make_url(url).database)).absolute()


def _uri(path: Path) -> str:
    return f"file:{quote(str(path))}"


def _copy_sqlite(source: Path, path: Path) -> None:
    if not source.is_file():
        raise CopyError(f"there is no database at {source}")
    try:
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(path)) as copy:
            there.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, which can be carried about
    except sqlite3.Error as broken:
        raise CopyError(f"{source} cannot be copied: {broken}") from broken


def _lay_beside(copy: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    partial.unlink(missing_ok=True)
    _copy_sqlite(copy, partial)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    return partial


def _put_in_place(partial: Path, path: Path) -> None:
    """Gives the file its name, which nobody may have meanwhile. Raises FileExistsError."""
    try:
        os.link(partial, path)  # unlike a rename, it takes nobody's place
    except OSError as refused:
        if refused.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)  # an empty file of ours, whose place we may take
        partial.replace(path)
    else:
        partial.unlink()


# PostgreSQL: its own programs, which are told by the environment where to go, since anybody may read a command line


async def _dump(url: str, path: Path) -> Tables:
    async with _reading(url) as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        snapshot = await connection.scalar(text("select pg_export_snapshot()"))
        words = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}")
        await _run("pg_dump", words, url)
        return await _read(connection)


async def _run(program: str, words: Iterable[str], url: str | None) -> None:
    environment = {**os.environ, **({} if url is None else environment_of(make_url(url)))}
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--no-password",
            *words,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise CopyError(f"{program} is not installed (apt-get install postgresql-client)") from None
    try:
        _out, said = await process.communicate()
    finally:
        if process.returncode is None:  # we are cancelled, and what it writes to is cleared away
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = said.decode("utf-8", "replace").strip().splitlines() or [f"status {process.returncode}"]
        raise CopyError(f"{program} failed: {lines[0]}")


def environment_of(url: URL) -> Mapping[str, str]:
    """An address as the variables of PostgreSQL's programs. What it does not say, theirs of before still do."""
    host, mode = url.host or url.query.get("host"), url.query.get("sslmode") or url.query.get("ssl")
    port = url.port or url.query.get("port")
    told = {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": url.username or url.query.get("user"),
        "PGPASSWORD": url.password or url.query.get("password"),
        "PGDATABASE": url.database,
        "PGSSLMODE": {"true": "require", "false": "disable"}.get(str(mode), mode),
    }
    return {name: str(value) for name, value in told.items() if value}


def _name(url: str) -> str:
    """The database for a command line on which a name with = in it would be read as more than a name."""
    name = str(make_url(url).database).replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{name}'"
