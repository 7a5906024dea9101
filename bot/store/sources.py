"""Pictures that people gave us, who descends from what, and what is being put together before it is ordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.handling import note, result_of, steps_named, was_done
from bot.store.records import HOUSE, Draft, DraftKind, Given, Parent, Upload
from bot.store.tables import drafts, picture_parents, pictures, uploads
from inference.queue.database import reading
from inference.requests import Source

ASKING = 20  # open questions of one person in a chat that are looked through for the one that is answered


class Sources:
    """Queries over one database; what they return is on disk."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def add_upload(
        self,
        owner_id: int,
        chat_id: int,
        message_id: int | None,
        source: Source,
        file_unique_id: str | None,
        *,
        size: int | None = None,
    ) -> Given:
        """Remembers a picture that somebody gave, of `size` bytes; the same file of a person is remembered once."""
        known = await self.upload_of_file(owner_id, file_unique_id) if file_unique_id else None
        if known is not None and known.blob == source.blob:
            await self.renew_upload(known.id)
            return Given(source=source, upload_id=known.id)
        row = {
            "owner_id": owner_id,
            "chat_id": chat_id,
            "message_id": message_id,
            "blob": source.blob,
            "width": source.width,
            "height": source.height,
            "file_unique_id": file_unique_id,
            "bytes": size,
            "created_at": self._clock(),
        }
        async with self._database.begin() as connection:
            upload_id = await connection.scalar(insert(uploads).values(row).returning(uploads.c.id))
        return Given(source=source, upload_id=upload_id)

    async def renew_upload(self, upload_id: int) -> None:
        """The same picture has been given once more: its age counts from now on."""
        async with self._database.begin() as connection:
            await connection.execute(update(uploads).where(uploads.c.id == upload_id).values(created_at=self._clock()))

    async def upload(self, upload_id: int) -> Upload | None:
        async with self._reading.connect() as connection:
            row = (await connection.execute(select(uploads).where(uploads.c.id == upload_id))).mappings().first()
        return Upload(**{name: row[name] for name in Upload.__slots__}) if row else None

    async def upload_of_file(self, owner_id: int, file_unique_id: str) -> Upload | None:
        """The same file as this person gave it before: it need not be fetched twice."""
        query = (
            select(uploads)
            .where(uploads.c.owner_id == owner_id, uploads.c.file_unique_id == file_unique_id)
            .order_by(uploads.c.id.desc())
            .limit(1)
        )
        async with self._reading.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return Upload(**{name: row[name] for name in Upload.__slots__}) if row else None

    async def newest_uploads(self, owner_id: int, chat_id: int, *, max_age: float, limit: int) -> list[Upload]:
        """What somebody has given in a chat within so many seconds, the newest first."""
        query = (
            select(uploads)
            .where(
                uploads.c.owner_id == owner_id,
                uploads.c.chat_id == chat_id,
                uploads.c.created_at > self._clock() - max_age,
            )
            .order_by(uploads.c.id.desc())
            .limit(limit)
        )
        async with self._reading.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [Upload(**{name: row[name] for name in Upload.__slots__}) for row in rows]

    async def owned(self, owner_id: int, blobs: Iterable[str]) -> dict[str, Parent]:
        """Of these bytes, those that somebody has given or was drawn, and what they are here."""
        return await self._known(uploads.c.owner_id == owner_id, pictures.c.owner_id == owner_id, blobs)

    async def seen_in(self, chat_id: int, blobs: Iterable[str]) -> dict[str, Parent]:
        """Of these bytes, those that anybody has given or was drawn in a chat, and what they are here."""
        return await self._known(uploads.c.chat_id == chat_id, pictures.c.chat_id == chat_id, blobs)

    async def _known(
        self, of_upload: ColumnElement[bool], of_picture: ColumnElement[bool], blobs: Iterable[str]
    ) -> dict[str, Parent]:
        """What the house has drawn is everybody's."""
        wanted = list(blobs)
        given = select(uploads.c.blob, uploads.c.id).where(of_upload, uploads.c.blob.in_(wanted))
        drawn = select(pictures.c.blob, pictures.c.id).where(
            or_(of_picture, pictures.c.owner_id == HOUSE), pictures.c.blob.in_(wanted), pictures.c.deleted_at.is_(None)
        )
        async with self._reading.connect() as connection:
            known = {row.blob: Parent(upload_id=row.id) for row in await connection.execute(given)}
            return known | {row.blob: Parent(picture_id=row.id) for row in await connection.execute(drawn)}

    async def parents(self, picture_id: int) -> list[tuple[int | None, int | None]]:
        """What a picture was made from, in order: (picture id, None) or (None, upload id)."""
        query = (
            select(picture_parents.c.parent_id, picture_parents.c.upload_id)
            .where(picture_parents.c.picture_id == picture_id)
            .order_by(picture_parents.c.place)
        )
        async with self._reading.connect() as connection:
            return [(row.parent_id, row.upload_id) for row in await connection.execute(query)]

    async def kin(
        self, picture_ids: Iterable[int], upload_ids: Iterable[int]
    ) -> list[tuple[int, int | None, int | None]]:
        """Every edge (child, parent picture, parent upload) that touches one of these."""
        wanted = list(picture_ids)
        query = select(picture_parents.c.picture_id, picture_parents.c.parent_id, picture_parents.c.upload_id).where(
            or_(
                picture_parents.c.picture_id.in_(wanted),
                picture_parents.c.parent_id.in_(wanted),
                picture_parents.c.upload_id.in_(list(upload_ids)),
            )
        )
        async with self._reading.connect() as connection:
            return [(row.picture_id, row.parent_id, row.upload_id) for row in await connection.execute(query)]

    async def newest_picture(self, owner_id: int, chat_id: int) -> int | None:
        """The id of the last picture that somebody got in a chat."""
        query = select(func.max(pictures.c.id)).where(
            pictures.c.owner_id == owner_id, pictures.c.chat_id == chat_id, pictures.c.deleted_at.is_(None)
        )
        async with self._reading.connect() as connection:
            newest: int | None = await connection.scalar(query)
        return newest

    # What is being put together

    async def add_draft(self, owner_id: int, chat_id: int, kind: DraftKind, body: dict[str, Any]) -> Draft:
        """A new draft, one of a kind for an update however often that is handled."""
        step = f"draft {kind}"
        earlier = await self.draft(result_of(step)) if was_done(step) else None
        if earlier is not None:
            return earlier
        row = {"owner_id": owner_id, "chat_id": chat_id, "kind": kind, "body": body, "created_at": self._clock()}
        async with self._database.begin() as connection:
            draft_id = await connection.scalar(insert(drafts).values(row).returning(drafts.c.id))
            await note(connection, step, draft_id)
        assert draft_id is not None
        draft = await self.draft(draft_id)
        assert draft is not None
        return draft

    async def draft(self, draft_id: int) -> Draft | None:
        """A draft, its end and its message as they were before the update in hand, if that was tried before."""
        async with self._reading.connect() as connection:
            row = (await connection.execute(select(drafts).where(drafts.c.id == draft_id))).mappings().first()
        if row is None:
            return None
        return _as_before(Draft(**{name: row[name] for name in Draft.__slots__}))

    def was_changed(self, draft: Draft) -> bool:
        """Whether the update in hand has changed this draft already, in an earlier try."""
        return was_done(f"changed {draft.id}")

    def was_moved(self, draft: Draft) -> bool:
        """Whether an earlier try of the update in hand has shown this draft in another message."""
        return was_done(f"moved {draft.id}")

    async def draft_of_message(self, chat_id: int, message_id: int, kind: DraftKind) -> Draft | None:
        """The draft of this kind that stands in a message of ours."""
        left = [draft_id for draft_id in steps_named("moved") if result_of(f"moved {draft_id}") == message_id]
        here = or_(drafts.c.message_id == message_id, drafts.c.id.in_(left))
        query = select(drafts.c.id).where(drafts.c.chat_id == chat_id, here, drafts.c.kind == kind)
        async with self._reading.connect() as connection:
            draft_id = await connection.scalar(query.order_by(drafts.c.id.desc()).limit(1))
        return await self.draft(draft_id) if draft_id is not None else None

    async def open_draft(self, owner_id: int, chat_id: int, kind: DraftKind, max_age: float) -> Draft | None:
        """The newest draft of this kind that somebody has neither finished nor left lying for `max_age` seconds."""
        query = (
            select(drafts)
            .where(
                drafts.c.owner_id == owner_id,
                drafts.c.chat_id == chat_id,
                drafts.c.kind == kind,
                or_(drafts.c.closed_at.is_(None), drafts.c.id.in_(steps_named("closed"))),
                drafts.c.created_at > self._clock() - max_age,
            )
            .order_by(drafts.c.id.desc())
            .limit(1)
        )
        async with self._reading.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _as_before(Draft(**{name: row[name] for name in Draft.__slots__})) if row else None

    async def draft_of_album(self, owner_id: int, chat_id: int, kind: DraftKind, album: str) -> Draft | None:
        """The open draft of this kind that other parts of an album have begun and that is shown; `album` stands
        in its body."""
        query = (
            select(drafts.c.id)
            .where(
                drafts.c.owner_id == owner_id,
                drafts.c.chat_id == chat_id,
                drafts.c.kind == kind,
                drafts.c.body["album"].as_string() == album,
                drafts.c.message_id.is_not(None),
                or_(drafts.c.closed_at.is_(None), drafts.c.id.in_(steps_named("closed"))),
            )
            .order_by(drafts.c.id.desc())
            .limit(1)
        )
        async with self._reading.connect() as connection:
            draft_id = await connection.scalar(query)
        begun_here = draft_id == result_of(f"draft {kind}")
        return await self.draft(draft_id) if draft_id is not None and not begun_here else None

    async def asking(self, owner_id: int, chat_id: int, kind: DraftKind) -> list[Draft]:
        """The newest open drafts of this kind that somebody may have been asked about in a chat."""
        query = (
            select(drafts)
            .where(
                drafts.c.owner_id == owner_id,
                drafts.c.chat_id == chat_id,
                drafts.c.kind == kind,
                or_(drafts.c.closed_at.is_(None), drafts.c.id.in_(steps_named("closed"))),
            )
            .order_by(drafts.c.id.desc())
            .limit(ASKING)
        )
        async with self._reading.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_as_before(Draft(**{name: row[name] for name in Draft.__slots__})) for row in rows]

    async def place_draft(self, draft_id: int, message_id: int) -> int | None:
        """Notes that a message of ours shows a draft; of several the newest counts, whichever is told of first.

        Returns the message that shows it no longer.
        """
        step, this = f"moved {draft_id}", drafts.c.id == draft_id
        async with self._database.begin() as connection:
            known = await connection.scalar(select(drafts.c.message_id).where(this).with_for_update())
            before: int | None = result_of(step) if was_done(step) else known
            await note(connection, step, before)
            await connection.execute(update(drafts).where(this).values(message_id=max(message_id, known or 0)))
        return None if before is None or before == message_id else min(before, message_id)

    async def note_in_draft(self, draft_id: int, **fields: Any) -> None:
        """Puts these into the body of a draft, whatever else becomes of it meanwhile."""
        this = drafts.c.id == draft_id
        async with self._database.begin() as connection:
            body = await connection.scalar(select(drafts.c.body).where(this).with_for_update())
            await connection.execute(update(drafts).where(this).values(body={**(body or {}), **fields}))

    async def change_draft(
        self, draft_id: int, *, body: dict[str, Any] | None = None, closed: bool | None = None
    ) -> None:
        """Changes what is given. Another body is another step of the update in hand, which is taken once."""
        if body is not None and was_done(f"changed {draft_id}"):
            body = None
        values: dict[str, Any] = {} if body is None else {"body": body}
        if closed is not None:
            values["closed_at"] = self._clock() if closed else None
        if not values:
            return
        this = drafts.c.id == draft_id
        async with self._database.begin() as connection:
            await connection.execute(update(drafts).where(this).values(**values))
            if body is not None:
                await note(connection, f"changed {draft_id}")
            if closed:
                await note(connection, f"closed {draft_id}")


def _as_before(draft: Draft) -> Draft:
    """What an earlier try of the update in hand has made of a draft is for this one to do."""
    if was_done(f"closed {draft.id}"):
        draft = replace(draft, closed_at=None)
    if was_done(f"moved {draft.id}"):
        draft = replace(draft, message_id=result_of(f"moved {draft.id}"))
    return draft


async def note_parents(connection: AsyncConnection, job_id: int, parents: Sequence[Parent]) -> None:
    """Writes down what all pictures of a job were made from, once."""
    made = (await connection.execute(select(pictures.c.id).where(pictures.c.job_id == job_id))).scalars().all()
    known = select(picture_parents.c.picture_id).where(picture_parents.c.picture_id.in_(made))
    noted = set((await connection.execute(known)).scalars())
    rows = [
        {"picture_id": picture, "place": place, "parent_id": parent.picture_id, "upload_id": parent.upload_id}
        for picture in made
        if picture not in noted
        for place, parent in enumerate(parents)
    ]
    if rows:
        await connection.execute(insert(picture_parents), rows)
