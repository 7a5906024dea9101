"""What still refers to stored files, and letting go of what nobody has used for long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.signatures import forget_old_signatures, forget_signatures
from bot.store.statements import shows
from bot.store.tables import drafts, picture_parents, pictures, uploads
from inference.queue.database import reading
from inference.queue.lookups import refer_to, texts_with_blobs

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Leftovers:
    """Queries over one database."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def blobs_in_use(self) -> set[str]:
        """Digests of everything that a picture, a request or its recipe, or an open draft refers to."""
        kept = pictures.c.deleted_at.is_(None)
        told: tuple[Select[Any], ...] = (
            select(uploads.c.blob),
            select(pictures.c.blob).where(kept),
            _texts(pictures.c.recipe).where(kept),
            *texts_with_blobs(),
            _texts(drafts.c.body).where(drafts.c.closed_at.is_(None)),
        )
        found: set[str] = set()
        async with self._reading.connect() as connection:
            for query in told:
                async for row in await connection.stream(query):
                    found.update(_DIGEST.findall(row[0]))
        return found

    async def forget(self, before: float) -> None:
        """Closes what has been put together since before then, and forgets the photos sent before that nothing uses;
        and what can be worked out again."""
        abandoned = drafts.c.closed_at.is_(None) & (drafts.c.created_at < before) & _with_files(drafts.c.body)
        async with self._database.begin() as connection:
            await connection.execute(update(drafts).where(abandoned).values(closed_at=self._clock()))
            await forget_old_signatures(connection, self._clock())
        unused = (uploads.c.created_at < before, *_unused())
        async with self._reading.connect() as connection:
            found = list(await connection.scalars(select(uploads.c.id).where(*unused)))
        if found:  # looked for without holding writers up, but made sure of with the deletion
            async with self._database.begin() as connection:
                await connection.execute(delete(uploads).where(uploads.c.id.in_(found), *unused))

    async def bytes_kept(self, owner_id: int | None = None) -> int:
        """How many bytes of uploads are kept, of one person or of everybody."""
        query = select(func.coalesce(func.sum(uploads.c.bytes), 0))
        if owner_id is not None:
            query = query.where(uploads.c.owner_id == owner_id)
        async with self._reading.connect() as connection:
            return int(await connection.scalar(query) or 0)

    async def unneeded(self, owner_id: int | None, before: float, *, limit: int) -> list[tuple[int, str]]:
        """(id, digest) of uploads sent before then that nothing refers to, of one person or anybody, oldest first."""
        query = select(uploads.c.id, uploads.c.blob).where(uploads.c.created_at < before, *_unused())
        if owner_id is not None:
            query = query.where(uploads.c.owner_id == owner_id)
        async with self._reading.connect() as connection:
            rows = await connection.execute(query.order_by(uploads.c.created_at, uploads.c.id).limit(limit))
            return [(row.id, row.blob) for row in rows]

    async def let_go(self, upload_id: int, blob: str) -> tuple[bool, bool]:
        """Forgets an upload if nothing refers to it: whether it is gone, and whether nothing at all has its bytes."""
        async with self._database.begin() as connection:
            gone = await connection.execute(delete(uploads).where(uploads.c.id == upload_id, *_unused()))
            if not gone.rowcount:
                return False, False
            open_draft = drafts.c.closed_at.is_(None) & cast(drafts.c.body, Text).contains(blob)
            told = select(drafts.c.id).where(open_draft).exists()
            needed = await connection.scalar(select(refer_to(blob, outcomes=True) | told))
            shown = await shows(connection, blob)
            if not shown:
                await forget_signatures(connection, blob)
            return True, not needed and not shown

    async def unmeasured(self, *, limit: int) -> list[str]:
        """Digests of uploads whose size has never been written down."""
        query = select(uploads.c.blob).where(uploads.c.bytes.is_(None)).distinct().limit(limit)
        async with self._reading.connect() as connection:
            return list(await connection.scalars(query))

    async def measured(self, sizes: Mapping[str, int]) -> None:
        """Writes down the sizes of uploads, by digest."""
        async with self._database.begin() as connection:
            for blob, size in sizes.items():
                await connection.execute(
                    update(uploads).where(uploads.c.blob == blob, uploads.c.bytes.is_(None)).values(bytes=size)
                )


def _unused() -> tuple[ColumnElement[bool], ...]:
    """A photo without descendants in any request or open draft of its owner: nobody else can use it."""
    child = select(picture_parents.c.picture_id).where(picture_parents.c.upload_id == uploads.c.id)
    draft = select(drafts.c.id).where(
        drafts.c.owner_id == uploads.c.owner_id,
        drafts.c.closed_at.is_(None),
        cast(drafts.c.body, Text).contains(uploads.c.blob),
    )
    return ~child.exists(), ~refer_to(uploads.c.blob, owner_id=uploads.c.owner_id), ~draft.exists()


def _texts(column: ColumnElement[Any]) -> Select[Any]:
    return select(cast(column, Text)).where(_with_files(column))


def _with_files(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return cast(column, Text).contains('"blob"')
