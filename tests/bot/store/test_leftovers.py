"""Files that nothing refers to go when they are old; whatever refers to one keeps it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import Given, History, Leftovers
from bot.store.sweep import DAY, sweep
from inference.blobs import BlobStore
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.requests import (
    AnyRequest,
    Finished,
    FlashTextToImage,
    Inpaint,
    Mix,
    Picture,
    Recipe,
    Source,
    WeighedSource,
)

ANNA, MONTH = 1001, 30 * DAY
PLAIN = FlashTextToImage(prompt="a fox", width=128, height=128, seeds=(1,))


@dataclass
class Attic:
    """A database and a folder of files, both of which can be aged."""

    database: AsyncEngine
    folder: Path
    now: float = 1_000_000_000.0

    def __post_init__(self) -> None:
        self.history = History(self.database, clock=lambda: self.now)
        self.ledger = Ledger(self.database)
        self.blobs = BlobStore(str(self.folder))

    def file(self) -> str:
        digest = self.blobs.put(secrets.token_bytes(16))
        self._date(digest)
        return digest

    def _date(self, digest: str) -> None:
        os.utime(self.folder / digest[:2] / digest, (self.now, self.now))

    async def photo(self) -> Given:
        source = Source(blob=self.file(), width=64, height=64)
        return await self.history.sources.add_upload(ANNA, ANNA, 1, source, secrets.token_hex(8))

    async def draft(self, given: Given, **body: Any) -> int:
        body = {"given": given.model_dump(mode="json"), **body}
        return (await self.history.sources.add_draft(ANNA, ANNA, "mask", body)).id

    async def job(self, request: AnyRequest, **context: Any) -> Job:
        return (
            await self.ledger.accept(
                update_id=None, owner_id=ANNA, chat_id=ANNA, request=request, context=context, admitted=True
            )
        ).job

    async def sweep(self) -> int:
        return await sweep(Leftovers(self.database, lambda: self.now), self.blobs, self.now - MONTH)

    async def sweep_often(self, days: float = 31) -> None:
        self.now += days * DAY
        for _day in range(3):
            await self.sweep()
            self.now += DAY


@pytest.fixture
def attic(database: AsyncEngine, tmp_path: Path) -> Attic:
    return Attic(database, tmp_path / "blobs")


def mixed(given: Given) -> Mix:
    return Mix(prompt="", seeds=(1,), images=(WeighedSource(**given.source.model_dump()),))


def outcome(request: AnyRequest, blob: str) -> Finished:
    recipe = Recipe(request=request, tile=0, checkpoints={}, code_version="1")
    return Finished(pictures=(Picture(tile=0, blob=blob, width=64, height=64, recipe=recipe),))


async def test_a_photo_that_came_to_nothing_goes_a_sweep_after_it_is_forgotten(attic: Attic) -> None:
    photo = await attic.photo()
    attic.now += 29 * DAY
    assert await attic.sweep() == await attic.sweep() == 0
    attic.now += 2 * DAY
    assert await attic.sweep() == 0
    assert photo.upload_id is not None
    assert await attic.history.sources.upload(photo.upload_id) is None
    assert attic.blobs.exists(photo.source.blob)
    assert await attic.sweep() == 1
    assert not attic.blobs.exists(photo.source.blob)


async def test_what_a_request_works_from_stays_however_it_ended(attic: Attic) -> None:
    photo, other, mask = await attic.photo(), await attic.photo(), attic.file()
    await attic.ledger.cancel((await attic.job(mixed(photo))).id)
    await attic.job(Inpaint(prompt="a hat", seeds=(1,), image=other.source, mask=mask))
    waiting = await attic.photo()
    await attic.job(PLAIN, then=mixed(waiting).model_dump(mode="json"))
    await attic.sweep_often()
    for given in (photo, other, waiting):
        assert given.upload_id is not None
        assert await attic.history.sources.upload(given.upload_id) is not None
        assert attic.blobs.exists(given.source.blob)
    assert attic.blobs.exists(mask)


async def test_pictures_stay_seen_and_unseen_and_the_family_tree_keeps_its_photos(attic: Attic) -> None:
    photo, drawn, unseen = await attic.photo(), attic.file(), attic.file()
    job = await attic.job(PLAIN)
    await attic.history.add_pictures(job, outcome(job.request, drawn), [photo.parent])
    ended = await attic.job(PLAIN)
    await attic.ledger.finish(ended.id, outcome(ended.request, unseen))
    await attic.sweep_often()
    assert photo.upload_id is not None
    assert await attic.history.sources.upload(photo.upload_id) is not None
    assert all(attic.blobs.exists(blob) for blob in (photo.source.blob, drawn, unseen))
    [picture] = await attic.history.pictures_of_job(job.id)
    await attic.history.delete(picture.id)
    await attic.sweep_often()
    assert not attic.blobs.exists(drawn)


async def test_what_somebody_is_putting_together_keeps_its_files_until_it_is_over_or_abandoned(attic: Attic) -> None:
    photo, paint = await attic.photo(), attic.file()
    attic.now += 20 * DAY
    draft = await attic.draft(photo, painted=paint)
    await attic.sweep_often(12)
    assert attic.blobs.exists(photo.source.blob)
    assert attic.blobs.exists(paint)
    await attic.sweep_often(20)
    left = await attic.history.sources.draft(draft)
    assert left is not None
    assert left.closed_at is not None
    assert not attic.blobs.exists(photo.source.blob)
    assert not attic.blobs.exists(paint)


async def test_what_is_given_again_is_new_again(attic: Attic) -> None:
    photo, orphan = await attic.photo(), attic.file()
    attic.now += 29 * DAY
    assert photo.upload_id is not None
    await attic.history.sources.renew_upload(photo.upload_id)
    await attic.sweep_often(5)
    assert attic.blobs.exists(photo.source.blob)
    assert not attic.blobs.exists(orphan)
