"""Databases of the run's PostgreSQL server: those with tables are copies of one that is migrated once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.migration import upgrade
from inference.queue.tables import metadata
from tests.postgres import keeper

Answer = TypeVar("Answer")

FOLDER = "TEST_POSTGRES_FOLDER"  # told to the processes that share a run's tests
NEEDED = "TESTS_NEED_POSTGRES"  # where this is set, a test that finds no PostgreSQL fails
LACKING = "no PostgreSQL here (13 or later, with initdb): apt-get install postgresql"
_MIGRATED, _ALL = "migrated", "postgres"
_LOCK = 1

_free: list[str] = []  # of this process


def programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs; None where there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def begin() -> subprocess.Popen[bytes] | None:
    """Called once a run, by the process that began it: the keeper of the server, or None where there is none."""
    found = programs()
    if found is None or FOLDER in os.environ:
        return None
    folder = tempfile.mkdtemp(prefix="pg-")  # short: the name of a socket has a hundred letters at most
    Path(folder).chmod(0o755)
    command = [sys.executable, "-ES", keeper.__file__, folder, str(found)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError("the keeper of PostgreSQL has died")
    os.environ[FOLDER] = folder
    return process


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Lets the keeper take everything down, and waits for it."""
    if process is not None:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()
        os.environ.pop(FOLDER, None)


def address(name: str) -> str:
    """The URL of a database of the server."""
    return f"postgresql+asyncpg://{keeper.USER}@/{name}?host={started()}"


@cache
def started() -> str:
    """The folder with the server's socket, once it takes connections. Raises RuntimeError with what went wrong."""
    folder = os.environ[FOLDER]
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(f"{folder}/ask")
        said = b"".join(iter(lambda: asking.recv(4096), b"")).decode()
    if said != "\n":
        raise RuntimeError(said or "the keeper of PostgreSQL has died")
    return folder


def create() -> str:
    """Makes a database with nothing in it and returns its name."""
    return elsewhere(_create("template0"))


def drop(name: str) -> None:
    """Takes it away, whoever is still connected."""
    elsewhere(_drop(name))


def take() -> str:
    """The name of a database with all tables, no rows and ids that begin at one, for nobody else until `give_back`."""
    return _free.pop() if _free else elsewhere(_create(_MIGRATED))


def give_back(name: str) -> None:
    """Empties it for the next test, which takes a tenth of the time of making one; one without our tables goes."""
    try:
        elsewhere(_empty(name))
    except asyncpg.UndefinedTableError:
        drop(name)
    else:
        _free.append(name)


def elsewhere(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine gives, in a thread of its own: this one may have a loop that runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextlib.asynccontextmanager
async def connected(name: str = _ALL) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(host=started(), user=keeper.USER, database=name)
    try:
        yield connection
    finally:
        await connection.close()


async def _create(template: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    async with connected() as connection:
        if template == _MIGRATED:
            await _ensure_migrated(connection)
        await connection.execute(f"create database {name} template {template}")
    return name


async def _empty(name: str) -> None:
    others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()"
    async with connected(name) as connection:
        await connection.execute(others, name)
        await connection.execute(f"truncate {', '.join(metadata.tables)} restart identity")


async def _drop(name: str) -> None:
    async with connected() as connection:
        await connection.execute(f"drop database {name} with (force)")


async def _ensure_migrated(connection: asyncpg.Connection) -> None:
    """Makes what the others are copies of, unless another process has done so or is doing it."""
    known = "select true from pg_database where datname = $1 and datistemplate"
    if await connection.fetchval(known, _MIGRATED):
        return
    await connection.execute(f"select pg_advisory_lock({_LOCK})")
    try:
        if not await connection.fetchval(known, _MIGRATED):
            await connection.execute(f"create database {_MIGRATED} template template0")
            engine = create_async_engine(address(_MIGRATED), poolclass=NullPool)
            await upgrade(engine)
            await engine.dispose()
            await connection.execute(f"alter database {_MIGRATED} is_template true")
    finally:
        await connection.execute(f"select pg_advisory_unlock({_LOCK})")
