"""Uploads have bounds; to make room, what nobody needs goes, the oldest first, and nothing else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import Given, History, Leftovers
from bot.store.room import FRESH_SECONDS, FUTILE_SECONDS, Allowance, NoRoom, Room
from bot.store.tables import uploads
from inference.blobs import BlobStore
from inference.queue.ledger import Ledger
from inference.requests import Inpaint, Mix, Source, WeighedSource

ANNA, BORIS = 1001, 1002
SIZE = 1000
PLENTY = 10**15


class Attic:
    """People's photos of 1000 bytes each, in a database and a folder that can be aged."""

    def __init__(self, database: AsyncEngine, folder: Path) -> None:
        self.database = database
        self.now = 1_000_000_000.0
        self.folder = folder
        self.history = History(database, clock=lambda: self.now)
        self.ledger = Ledger(database)
        self.blobs = BlobStore(str(folder))
        self.leftovers = Leftovers(database, lambda: self.now)
        self.free = PLENTY

    def room(self, *, person: int = PLENTY, studio: int = PLENTY, disk: int = 0) -> Room:
        return Room(
            self.leftovers, self.blobs, Allowance(person, studio, disk), self.folder,
            clock=lambda: self.now, free=lambda _folder: self.free,
        )  # fmt: skip

    async def photo(self, owner: int = ANNA, content: bytes | None = None, *, measured: bool = True) -> Given:
        self.now += 1
        digest = self.blobs.put(content or secrets.token_bytes(SIZE))
        os.utime(self.folder / digest[:2] / digest, (self.now, self.now))
        source = Source(blob=digest, width=64, height=64)
        return await self.history.sources.add_upload(
            owner, owner, 1, source, secrets.token_hex(8), size=SIZE if measured else None
        )

    async def uses(self, given: Given, owner: int = ANNA) -> None:
        request = Mix(prompt="", seeds=(1,), images=(WeighedSource(**given.source.model_dump()),))
        await self.ledger.accept(
            update_id=None, owner_id=owner, chat_id=owner, request=request, context={}, admitted=True
        )

    async def there(self, *photos: Given) -> list[bool]:
        """Of each, whether it is still known and its bytes are there."""
        known = [await self.history.sources.upload(photo.upload_id or 0) is not None for photo in photos]
        assert known == [self.blobs.exists(photo.source.blob) for photo in photos]
        return known


@pytest.fixture
def attic(database: AsyncEngine, tmp_path: Path) -> Attic:
    return Attic(database, tmp_path / "blobs")


async def test_where_there_is_room_nothing_goes(attic: Attic) -> None:
    photos = [await attic.photo() for _ in range(3)]
    attic.now += 2 * FRESH_SECONDS
    await attic.room(person=4 * SIZE).make(ANNA, SIZE)
    assert await attic.there(*photos) == [True] * 3


async def test_the_oldest_that_nobody_needs_makes_room_for_its_owner(attic: Attic) -> None:
    used, *rest = [await attic.photo() for _ in range(30)]
    await attic.uses(used)
    of_boris = await attic.photo(BORIS)
    attic.now += 2 * FRESH_SECONDS
    await attic.room(person=30 * SIZE).make(ANNA, 5 * SIZE)
    left = await attic.there(*rest)
    assert left == sorted(left)  # the oldest went
    assert left.count(False) >= 5
    assert await attic.there(used, of_boris) == [True, True]


async def test_who_needs_everything_is_refused_and_the_others_are_not(attic: Attic) -> None:
    photos = [await attic.photo() for _ in range(3)]
    for photo in photos:
        await attic.uses(photo)
    attic.now += 2 * FRESH_SECONDS
    room = attic.room(person=3 * SIZE)
    with pytest.raises(NoRoom) as refusal:
        await room.make(ANNA, SIZE)
    assert refusal.value.lack == "person"
    await room.make(BORIS, SIZE)
    assert await attic.there(*photos) == [True] * 3


async def test_what_came_within_the_hour_stays(attic: Attic) -> None:
    photo = await attic.photo()
    room = attic.room(person=SIZE)
    with pytest.raises(NoRoom):
        await room.make(ANNA, SIZE)
    assert await attic.there(photo) == [True]
    attic.now += FRESH_SECONDS + FUTILE_SECONDS
    await room.make(ANNA, SIZE)
    assert await attic.there(photo) == [False]


@pytest.mark.parametrize("lack", ["studio", "disk"])
async def test_for_the_studio_and_the_disk_anybodys_leftovers_go_and_then_nobody_is_let_in(
    attic: Attic, lack: str
) -> None:
    of_anna, of_boris = await attic.photo(), await attic.photo(BORIS)
    attic.now += 2 * FRESH_SECONDS
    room = attic.room(studio=2 * SIZE) if lack == "studio" else attic.room(disk=600)
    if lack == "studio":
        await room.make(ANNA, 2 * SIZE)
    else:
        attic.free = 500
        with pytest.raises(NoRoom):
            await room.make(ANNA, SIZE)
    assert await attic.there(of_anna, of_boris) == [False, False]
    with pytest.raises(NoRoom) as refusal:
        await room.make(ANNA, 3 * SIZE)
    assert refusal.value.lack == lack


async def test_bytes_that_anybody_else_needs_stay_though_the_upload_goes(attic: Attic) -> None:
    content = [secrets.token_bytes(SIZE) for _ in range(2)]
    shared, mask = await attic.photo(content=content[0]), await attic.photo(content=content[1])
    of_boris = await attic.photo(BORIS, content[0])
    own = await attic.photo(BORIS)
    request = Inpaint(prompt="a hat", seeds=(1,), image=own.source, mask=mask.source.blob)
    await attic.ledger.accept(update_id=None, owner_id=BORIS, chat_id=BORIS, request=request, context={}, admitted=True)
    attic.now += 2 * FRESH_SECONDS
    await attic.room(person=SIZE).make(ANNA, SIZE)
    assert await attic.there(of_boris, own) == [True, True]
    assert await attic.history.sources.upload(mask.upload_id or 0) is None
    assert attic.blobs.exists(mask.source.blob)  # the mask of somebody's request, whoever has sent the same bytes
    assert await attic.history.sources.upload(shared.upload_id or 0) is None


async def test_bytes_that_have_just_come_anew_are_not_deleted(attic: Attic) -> None:
    photo = await attic.photo()
    attic.now += 2 * FRESH_SECONDS
    os.utime(
        attic.folder / photo.source.blob[:2] / photo.source.blob, (attic.now, attic.now)
    )  # stored, not yet written
    await attic.room(person=SIZE).make(ANNA, SIZE)
    assert attic.blobs.exists(photo.source.blob)


async def test_where_nothing_could_go_nobody_looks_again_at_once(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    await attic.photo()
    room, looks, unneeded = attic.room(person=SIZE), [], attic.leftovers.unneeded

    async def counted(*asked: Any, **more: Any) -> Any:
        looks.append(asked)
        return await unneeded(*asked, **more)

    monkeypatch.setattr(attic.leftovers, "unneeded", counted)
    for _ in range(20):
        with pytest.raises(NoRoom):
            await room.make(ANNA, SIZE)
    assert len(looks) == 1


async def test_what_was_stored_before_there_were_sizes_is_measured(attic: Attic) -> None:
    await attic.photo(measured=False)
    lost = await attic.photo(measured=False)
    attic.blobs.delete(lost.source.blob)
    room = attic.room(person=2 * SIZE)
    assert await attic.leftovers.bytes_kept(ANNA) == 0
    await room.measure()
    assert await attic.leftovers.bytes_kept(ANNA) == await attic.leftovers.bytes_kept() == SIZE
    async with attic.database.begin() as connection:
        assert (
            await connection.execute(update(uploads).where(uploads.c.bytes.is_(None)).values(bytes=1))
        ).rowcount == 0
