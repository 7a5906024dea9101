from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import History
from bot.store.migration import downgrade, is_current, upgrade
from bot.store.tables import metadata
from inference.queue.database import open_database, take_turns
from inference.queue.ledger import Ledger
from tests.inference.queue.jobs import FLASH
from tests.waiting import until


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_database(empty_database_url)
    yield engine
    await engine.dispose()


def difference(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def tables(database: AsyncEngine) -> set[str]:
    async with database.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_code(database: AsyncEngine) -> None:
    assert not await is_current(database)
    await upgrade(database)
    assert await is_current(database)
    async with database.connect() as connection:
        assert await connection.run_sync(difference) == []
    assert await tables(database) == {*metadata.tables, "alembic_version"}


async def test_going_down_and_up_again_ends_where_it_began(database: AsyncEngine) -> None:
    await upgrade(database)
    await downgrade(database, "base")
    assert await tables(database) == {"alembic_version"}
    await upgrade(database)
    async with database.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_migrating_twice_changes_nothing(database: AsyncEngine) -> None:
    await upgrade(database)
    await upgrade(database)
    assert await is_current(database)


async def test_what_a_picture_was_made_from_is_remembered_across_the_step_to_several_parents(
    database: AsyncEngine,
) -> None:
    await upgrade(database, "0001")
    job = {
        "id": 1, "owner_id": 7, "chat_id": 7, "request": "{}", "context": "{}", "compatibility": "x", "cost": 1.0,
        "state": "done", "created_at": 0.0,
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"id": id_, "job_id": 1, "tile": id_, "blob": "a" * 64, "width": 8, "height": 8, "recipe": "{}", "owner_id": 7,
         "chat_id": 7, "parent_id": parent, "created_at": 0.0}
        for id_, parent in ((1, None), (2, 1), (3, 1), (4, 2))
    ]  # fmt: skip
    async with database.begin() as connection:
        for table, row in (("jobs", job), *(("pictures", row) for row in rows)):
            values = ", ".join(f":{name}" for name in row)
            await connection.execute(text(f"insert into {table} ({', '.join(row)}) values ({values})"), row)
    await upgrade(database)
    async with database.connect() as connection:
        found = await connection.execute(
            text("select picture_id, place, parent_id, upload_id from picture_parents order by picture_id")
        )
        assert [tuple(row) for row in found] == [(2, 0, 1, None), (3, 0, 1, None), (4, 0, 2, None)]
        kept = await connection.execute(text("select id, parent_id from pictures order by id"))
        assert [tuple(row) for row in kept] == [(1, None), (2, 1), (3, 1), (4, 2)]


async def test_what_was_kept_within_old_jobs_is_found_in_columns_of_its_own(database: AsyncEngine) -> None:
    await upgrade(database, "0005")
    contexts = [
        {"key": "o:x2:2:0", "reply_to": 5, "line": "a fox"},
        {"key": None, "reply_to": 5_000_000_000},
        {"language": "ru"},
        {},
    ]
    job = {
        "owner_id": 7, "chat_id": 7, "request": FLASH.model_dump_json(), "compatibility": "x", "cost": 1.0,
        "state": "done", "created_at": 0.0, "priority": 0, "attempts": 0, "retries": 0, "crashes": 0, "overtaken": 0,
    }  # fmt: skip
    async with database.begin() as connection:
        for number, context in enumerate(contexts, 1):
            row = job | {"id": number, "context": json.dumps(context)}
            values = ", ".join(f":{name}" for name in row)
            await connection.execute(text(f"insert into jobs ({', '.join(row)}) values ({values})"), row)
    await upgrade(database)
    ledger = Ledger(database)
    found = [await ledger.job(number) for number in range(1, 5)]
    assert [(job.key, job.reply_to) for job in found if job] == [
        ("o:x2:2:0", 5), (None, 5_000_000_000), (None, None), (None, None)
    ]  # fmt: skip
    assert [job.context for job in found if job] == contexts
    assert await History(database).ordered_with(7, ["o:x2:2:0", "o:x4:2:0"]) == {"o:x2:2:0"}


@pytest.mark.parametrize("number", range(5))
async def test_tasks_that_migrate_at_once_do_not_collide(empty_database_url: str, number: int) -> None:
    engines = [open_database(empty_database_url) for _ in range(4)]
    await asyncio.gather(*(upgrade(engine) for engine in engines))
    assert await is_current(engines[0])
    for engine in engines:
        await engine.dispose()


async def test_programs_that_migrate_at_once_do_it_once(empty_database_url: str, database: AsyncEngine) -> None:
    """Both are kept from beginning until both are there, so that none of them is late by chance."""
    async with database.begin() as connection:
        await take_turns(connection, "migration")
        programs = [await migrating(empty_database_url) for _ in range(2)]
        await until(lambda: all_wait(database, programs))
    assert [await program.wait() for program in programs] == [0, 0]
    async with database.connect() as connection:
        assert await connection.run_sync(difference) == []
        assert len((await connection.execute(text("select * from alembic_version"))).all()) == 1


MIGRATE = """
import asyncio, sys
from bot.store.migration import upgrade
from inference.queue.database import open_database

async def migrate():
    database = open_database(sys.argv[1])
    await upgrade(database)
    await database.dispose()

asyncio.run(migrate())
"""


async def migrating(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, url)


async def all_wait(database: AsyncEngine, programs: list[asyncio.subprocess.Process]) -> bool:
    """Whether each of these has come as far as somebody else's transaction lets it."""
    assert all(program.returncode is None for program in programs)
    if database.dialect.name == "sqlite":
        return all(opened(program.pid, str(database.url.database)) for program in programs)
    here = "select oid from pg_database where datname = current_database()"
    waiting = f"select count(*) from pg_locks where locktype = 'advisory' and not granted and database = ({here})"
    async with database.connect() as connection:
        return await connection.scalar(text(waiting)) == len(programs)


def opened(process: int, path: str) -> bool:
    return any(file.path == path for file in psutil.Process(process).open_files())
