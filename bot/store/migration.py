"""Brings a database to the present shape of its tables."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.database import remodelling, take_turns

MIGRATING = "migration"  # what migrations take turns about
MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def upgrade(database: AsyncEngine, revision: str = "head") -> None:
    """Applies every migration that is missing, in one transaction. Of those who ask at once, in whatever programs, one
    migrates; the others wait and find nothing missing."""
    async with remodelling(database).begin() as connection:
        await take_turns(connection, MIGRATING)
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))


async def downgrade(database: AsyncEngine, revision: str) -> None:
    """Takes migrations back down to a revision ("base" for all)."""
    async with remodelling(database).begin() as connection:
        await take_turns(connection, MIGRATING)
        await connection.run_sync(lambda sync: command.downgrade(_config(sync), revision))


async def is_current(database: AsyncEngine) -> bool:
    """Whether nothing is left to migrate."""
    async with database.connect() as connection:
        applied = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return applied == ScriptDirectory.from_config(_config(None)).get_current_head()


def knows(revision: str) -> bool:
    """Whether this program has a migration of that name, and so can bring a database of that day to the present."""
    return any(known.revision == revision for known in ScriptDirectory.from_config(_config(None)).walk_revisions())


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
