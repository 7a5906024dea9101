from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.history.tables import metadata
from bot.migration import downgrade, is_current, upgrade
from inference.queue.database import open_database

POSTGRES = os.environ.get("TEST_POSTGRES_URL")


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    if request.param == "postgresql" and not POSTGRES:
        pytest.skip("no PostgreSQL: set TEST_POSTGRES_URL=postgresql+asyncpg://user:password@host/an_empty_database")
    url = POSTGRES if request.param == "postgresql" else f"sqlite+aiosqlite:///{tmp_path}/studio.db"
    assert url is not None
    engine = open_database(url)
    yield engine
    if request.param == "postgresql":
        async with engine.begin() as connection:
            await connection.execute(text("drop schema public cascade"))
            await connection.execute(text("create schema public"))
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


async def test_two_programs_that_migrate_at_once_do_not_collide(tmp_path: Path) -> None:
    engines = [open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db") for _ in range(2)]
    await asyncio.gather(*(upgrade(engine) for engine in engines))
    assert await is_current(engines[0])
    for engine in engines:
        await engine.dispose()
