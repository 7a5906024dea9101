"""SQL that several queries share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.records import StoredPicture
from bot.store.tables import pictures, uploads
from inference.queue.database import inserting
from inference.requests import Recipe


def living() -> Select[Any]:
    """Pictures that have not been deleted."""
    return select(pictures).where(pictures.c.deleted_at.is_(None))


def stored_picture(row: Mapping[Any, Any]) -> StoredPicture:
    return StoredPicture(
        id=row["id"],
        job_id=row["job_id"],
        tile=row["tile"],
        blob=row["blob"],
        width=row["width"],
        height=row["height"],
        recipe=Recipe.model_validate(row["recipe"]),
        owner_id=row["owner_id"],
        chat_id=row["chat_id"],
        parent_id=row["parent_id"],
        starred=row["starred_at"] is not None,
        created_at=row["created_at"],
    )


async def upsert(
    connection: AsyncConnection, table: Table, row: dict[str, Any], *, key: tuple[str, ...], keep: tuple[str, ...]
) -> None:
    """Inserts a row; where its key exists, overwrites the other given columns except those to keep."""
    statement = inserting(connection, table).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in key and name not in keep}
    if changed:
        await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))
    else:
        await connection.execute(statement.on_conflict_do_nothing(index_elements=key))


async def shows(connection: AsyncConnection, blob: str | None) -> bool:
    """Whether any picture, made or given, has these bytes."""
    made = select(pictures.c.id).where(pictures.c.blob == blob, pictures.c.deleted_at.is_(None))
    given = select(uploads.c.id).where(uploads.c.blob == blob)
    return await connection.scalar(select(made.exists() | given.exists())) is True
