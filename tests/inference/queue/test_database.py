from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.database import open_database, reading, unsynced

WRITERS = 200


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    async with engine.begin() as connection:
        await connection.execute(text("create table written (number integer)"))
    yield engine
    await engine.dispose()


async def write(database: AsyncEngine, number: int) -> None:
    async with database.begin() as connection:
        await connection.execute(text("insert into written values (:number)"), {"number": number})


async def numbers(database: AsyncEngine) -> list[int]:
    async with reading(database).connect() as connection:
        return list((await connection.execute(text("select number from written order by rowid"))).scalars())


async def test_a_commit_is_on_disk_before_it_returns(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar_one() == 2  # FULL
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1


async def test_writers_are_served_in_the_order_in_which_they_came(database: AsyncEngine) -> None:
    kinds = (database, unsynced(database))
    await asyncio.gather(*(write(kinds[number % 2], number) for number in range(WRITERS)))
    assert await numbers(database) == list(range(WRITERS))


async def test_who_reads_waits_for_nobody_who_writes(database: AsyncEngine) -> None:
    await write(database, 1)
    async with database.begin() as connection:
        await connection.execute(text("insert into written values (2)"))
        async with asyncio.timeout(5):
            assert await asyncio.gather(*(numbers(database) for _ in range(30))) == [[1]] * 30
    assert await numbers(database) == [1, 2]


async def test_a_writer_that_is_given_up_leaves_its_place_to_the_next(database: AsyncEngine) -> None:
    async with database.begin() as connection:
        first, second = (asyncio.create_task(write(database, number)) for number in (1, 2))
        await asyncio.sleep(0)
        first.cancel()
        await connection.execute(text("insert into written values (0)"))
    await second
    assert await numbers(database) == [0, 2]


async def test_another_program_that_writes_is_waited_for(database: AsyncEngine, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "studio.db", isolation_level=None)
    other.execute("begin immediate")
    other.execute("insert into written values (1)")
    ours = asyncio.create_task(write(database, 2))
    done, _ = await asyncio.wait({ours}, timeout=0.2)
    assert not done
    other.execute("commit")
    other.close()
    await ours
    assert await numbers(database) == [1, 2]


async def test_when_the_engine_is_let_go_its_readers_are_as_well(tmp_path: Path) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    async with engine.begin() as connection:
        await connection.execute(text("create table written (number integer)"))
    await numbers(engine)
    await engine.dispose()
    assert not (tmp_path / "studio.db-wal").exists()  # SQLite takes its log away with the last connection


async def test_who_is_cancelled_while_connecting_leaves_no_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting = asyncio.Semaphore(0)
    loop, connect = asyncio.get_running_loop(), sqlite3.connect

    def slow(*given: Any, **options: Any) -> sqlite3.Connection:
        loop.call_soon_threadsafe(connecting.release)
        time.sleep(0.05)
        return connect(*given, **options)

    monkeypatch.setattr(sqlite3, "connect", slow)
    before = set(threading.enumerate())
    engine = open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    tasks = [asyncio.create_task(writing_or_reading(kind)) for kind in (engine, reading(engine))]
    for _task in tasks:
        await connecting.acquire()
    for task in tasks:
        task.cancel()
    assert [type(end) for end in await asyncio.gather(*tasks, return_exceptions=True)] == [asyncio.CancelledError] * 2
    assert len(set(threading.enumerate()) - before) == 2  # both still connect
    await engine.dispose()
    assert not set(threading.enumerate()) - before


async def writing_or_reading(kind: AsyncEngine) -> None:
    async with kind.begin():
        raise AssertionError("connected")


@pytest.mark.parametrize("address", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
def test_a_database_that_would_forget_everything_is_none(address: str) -> None:
    with pytest.raises(ValueError, match="file"):
        open_database(address)
