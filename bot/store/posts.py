"""Which message shows what: a status, a grid, one picture, a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.records import Post, PostKind
from bot.store.statements import upsert
from bot.store.tables import posts, sendings
from inference.queue.database import reading


class Posts:
    """Queries over one database."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def add_post(
        self,
        chat_id: int,
        message_id: int,
        *,
        job_id: int | None,
        kind: PostKind,
        picture_id: int | None = None,
        file_id: str | None = None,
        file_unique_id: str | None = None,
        sending: str | None = None,
    ) -> None:
        """Remembers what a message shows. Told again, the newer word counts: a status message becomes a grid.

        `sending` is the key under which the message was about to be sent (bot.store.sendings).
        """
        row = {
            "chat_id": chat_id,
            "message_id": message_id,
            "job_id": job_id,
            "picture_id": picture_id,
            "kind": kind,
            "file_id": file_id,
            "file_unique_id": file_unique_id,
            "created_at": self._clock(),
        }
        async with self._database.begin() as connection:
            await upsert(connection, posts, row, key=("chat_id", "message_id"), keep=("created_at",))
            if sending is not None:
                await connection.execute(
                    sendings.delete().where(sendings.c.chat_id == chat_id, sendings.c.key == sending)
                )

    async def post(self, chat_id: int, message_id: int) -> Post | None:
        return await self._post(select(posts).where(posts.c.chat_id == chat_id, posts.c.message_id == message_id))

    async def find_post(
        self,
        *,
        kind: PostKind | None = None,
        picture_id: int | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
    ) -> Post | None:
        """The newest post that fits everything given."""
        wanted = {"kind": kind, "picture_id": picture_id, "job_id": job_id, "chat_id": chat_id}
        conditions = [posts.c[name] == value for name, value in wanted.items() if value is not None]
        if not conditions:
            raise TypeError("say what to look for")
        return await self._post(
            select(posts).where(*conditions).order_by(posts.c.created_at.desc(), posts.c.message_id.desc()).limit(1)
        )

    async def statuses(self, job_id: int, chat_id: int | None = None) -> list[Post]:
        """The messages, of one chat or of all, that show how a job stands, or ended in words; the oldest first."""
        known = [posts.c.job_id == job_id, posts.c.kind == "status"]
        if chat_id is not None:
            known.append(posts.c.chat_id == chat_id)
        found = select(posts).where(*known).order_by(posts.c.created_at, posts.c.message_id)
        async with self._reading.connect() as connection:
            return [Post(**row) for row in (await connection.execute(found)).mappings()]

    async def post_of_file(self, file_unique_id: str) -> Post | None:
        """The newest post with this file in it: a forwarded picture keeps the id."""
        return await self._post(
            select(posts).where(posts.c.file_unique_id == file_unique_id).order_by(posts.c.created_at.desc()).limit(1)
        )

    async def forget_post(self, chat_id: int, message_id: int) -> None:
        """Forgets a message that is no longer there."""
        async with self._database.begin() as connection:
            await connection.execute(posts.delete().where(posts.c.chat_id == chat_id, posts.c.message_id == message_id))

    async def file_id_of(self, picture_id: int, kind: PostKind) -> str | None:
        """Telegram's id of an upload of this picture in this form, to send it again without uploading."""
        query = (
            select(posts.c.file_id)
            .where(posts.c.picture_id == picture_id, posts.c.kind == kind, posts.c.file_id.is_not(None))
            .order_by(posts.c.created_at.desc())
            .limit(1)
        )
        async with self._reading.connect() as connection:
            return cast("str | None", await connection.scalar(query))

    async def _post(self, query: Select[Any]) -> Post | None:
        async with self._reading.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return Post(**row) if row else None
