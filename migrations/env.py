"""Runs migrations on the connection it is handed, or on the database of the settings when called by `alembic`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from bot.settings import load_settings
from bot.store.migration import MIGRATING
from bot.store.tables import metadata
from inference.queue.database import open_database, remodelling, take_turns


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_settings() -> None:
    database = open_database(load_settings().database_url)
    async with remodelling(database).begin() as connection:
        await take_turns(connection, MIGRATING)
        await connection.run_sync(migrate)
    await database.dispose()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    migrate(handed_over)
else:
    asyncio.run(migrate_by_settings())
