"""Fixtures for tests of SQL: what holds for one database holds for the other.

A test that takes `database` or its address runs on SQLite and on PostgreSQL. Where no PostgreSQL is installed the half
of them says so and is skipped, but where TESTS_NEED_POSTGRES is set, as CI does.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.database import open_database
from tests.bot.ready_made import migrated
from tests.postgres import cluster

KINDS = ("sqlite", "postgresql")


def needs_postgres() -> None:
    """Skips the test where there is no PostgreSQL, or fails it where there has to be one."""
    if cluster.FOLDER in os.environ:
        return
    if os.environ.get(cluster.NEEDED):
        pytest.fail(cluster.LACKING)
    pytest.skip(cluster.LACKING)


@pytest.fixture(params=KINDS)
def kind_of_database(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql":
        needs_postgres()
    return str(request.param)


@contextmanager
def fresh_address(kind: str, folder: Path, *, tables: bool = False) -> Iterator[str]:
    """The address of a database that nobody else has, with all tables and no rows or with nothing at all."""
    if kind == "sqlite":
        path = folder / "studio.db"
        yield migrated(path) if tables else f"sqlite+aiosqlite:///{path}"
        return
    name = cluster.take() if tables else cluster.create()
    yield cluster.address(name)
    (cluster.give_back if tables else cluster.drop)(name)


@pytest.fixture
def database_url(kind_of_database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables and no rows."""
    with fresh_address(kind_of_database, tmp_path, tables=True) as url:
        yield url


@pytest.fixture
def empty_database_url(kind_of_database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    with fresh_address(kind_of_database, tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(tmp_path: Path) -> Iterator[str]:
    """The address of a PostgreSQL database with all tables and no rows, for what SQLite does not know."""
    needs_postgres()
    with fresh_address("postgresql", tmp_path, tables=True) as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_database(database_url)
    yield engine
    await engine.dispose()
