"""Databases as they were at every revision that has been released, with rows of people who lived with the bot then.

The rows are those of `tests/characterisation/old_database`, which were written at revision 0005. Going back takes away
what came later; going on, each revision adds what no earlier database can have had.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Connection, MetaData, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.migration import MIGRATIONS, downgrade, upgrade
from tests.characterisation.old_database import HERE

WRITTEN_AT = "0005"
REVISIONS = sorted(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
SINCE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "0006": [("update jobs set key = :key, reply_to = :message where id = 1", {"key": "o:x2:2:0", "message": 5})],
    "0007": [("update people set shared = :no where id = 1001", {"no": False})],
    "0008": [("update drafts set listens_until = :time where id = 4", {"time": 1_799_999_999.5})],
    "0009": [("update speeds set times = 7 where compatibility = :key", {"key": "mix:320x192"})],
    "0010": [
        (
            "insert into signatures (owner_id, blob, levels, used_at) values (1001, :blob, :levels, 1799999999.5)",
            {"blob": "a" * 64, "levels": bytes(range(256))},
        )
    ],
    "0011": [("update pictures set words = :words where id = 1", {"words": " red circle"})],
    "0013": [
        (
            "insert into speeds (basis, kind, recent, measured_at) values ('ca4d', 'flash', :recent, 1799999999.5)",
            {"recent": "[[1.5, 2.0]]"},
        )
    ],
    "0014": [
        (
            "insert into api_keys (owner_id, name, digest, update_id, created_at, used_at) "
            "values (1001, 'ks-0a1b2c3d', :digest, 7, 1799999998.5, 1799999999.5)",
            {"digest": "b" * 64},
        ),
        (
            "insert into api_calls (owner_id, key, asked, created_at) values (1001, :key, :asked, 1799999999.5)",
            {"key": "c" * 64, "asked": "d" * 64},
        ),
    ],
    "0015": [("update jobs set drawings = 4 where id = 1", {})],
}
NOT_WRITTEN: dict[str, list[dict[str, Any]]] = {
    "inbox_steps": [{"update_id": 7, "step": "sent 1", "result": "true"}],
    "people": [
        {"id": 3001, "language": "en", "client_language": "ru", "mode": "full", "size": "wide", "count": 2,
         "style": "anime", "blocked_at": None, "created_at": 1_799_999_900.5},
    ],
}  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]


async def make(database: AsyncEngine, revision: str) -> None:
    """Fills an empty database as one of that revision was."""
    await upgrade(database, WRITTEN_AT)
    async with database.begin() as connection:
        await connection.run_sync(_fill)
    await step(database, revision)


async def step(database: AsyncEngine, revision: str) -> None:
    """Makes one of another revision out of a filled one of 0005."""
    if revision < WRITTEN_AT:
        await downgrade(database, revision)
    for later in (number for number in REVISIONS if WRITTEN_AT < number <= revision):
        await upgrade(database, later)
        for statement, values in SINCE.get(later, ()):
            async with database.begin() as connection:
                changed = await connection.execute(text(statement), values)
                assert changed.rowcount == 1, later


async def rows(database: AsyncEngine) -> Rows:
    """Everything that is in the tables, whatever they are."""
    async with database.connect() as connection:
        return await connection.run_sync(_rows)


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _rows(connection: Connection) -> Rows:
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in _tables(connection)
    }


def _fill(connection: Connection) -> None:
    with closing(sqlite3.connect(":memory:")) as old:
        old.executescript((HERE / "studio.sql").read_text("utf-8"))
        old.row_factory = sqlite3.Row
        for table in _tables(connection):
            written = [dict(row) for row in old.execute(f"select * from {table.name} order by rowid")]
            values = [{name: _value(table, name, value) for name, value in row.items()} for row in written]
            values += NOT_WRITTEN.get(table.name, [])
            if values:
                connection.execute(insert(table), values)
            if connection.dialect.name == "postgresql":
                _count_on(connection, table)


def _count_on(connection: Connection, table: Table) -> None:
    """The next id is one that nobody has, as if the rows had come one by one."""
    if "id" in table.c:
        counter = connection.scalar(text(f"select pg_get_serial_sequence('{table.name}', 'id')"))
        if counter is not None:
            connection.execute(text(f"select setval('{counter}', max(id)) from {table.name}"))


def _value(table: Table, column: str, value: Any) -> Any:
    """SQLite keeps JSON as text and truth as a number."""
    kind = table.c[column].type
    if value is None:
        return None
    if isinstance(kind, JSON):
        return json.loads(value)
    return bool(value) if isinstance(kind, Boolean) else value
