from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import History, Parent
from bot.texts.languages import language_for
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.requests import Finished, FlashTextToImage, Picture, Recipe

ANNA, BORIS = 5_000_000_001, 1002  # ids of newer accounts do not fit 32 bits


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@dataclass
class Archive:
    """A history with the ledger whose jobs its pictures belong to."""

    database: AsyncEngine
    history: History
    ledger: Ledger
    made: int = field(default=0)

    async def job(self, owner: int = ANNA, count: int = 4) -> Job:
        request = FlashTextToImage(prompt="лиса", width=128, height=128, seeds=tuple(range(count)))
        self.made += 1
        accepted = await self.ledger.accept(
            update_id=self.made, owner_id=owner, chat_id=owner, request=request, context={}
        )
        await self.ledger.cancel(accepted.job.id)  # so that nobody has too many waiting
        return accepted.job

    async def pictures(self, owner: int = ANNA, count: int = 4, parents: Sequence[Parent] = ()) -> list[Any]:
        job = await self.job(owner, count)
        return await self.history.add_pictures(job, finished(job), parents)


def finished(job: Job, blob: str | None = None) -> Finished:
    return Finished(
        pictures=tuple(
            Picture(
                tile=tile,
                blob=blob or f"{job.id:032x}{tile:032x}",
                width=128,
                height=128,
                recipe=Recipe(request=job.request, tile=tile, checkpoints={"unet": "r1"}, code_version="0.1.0"),
            )
            for tile in range(len(job.request.seeds))
        )
    )


@pytest.fixture
def archive(database: AsyncEngine) -> Archive:
    return Archive(database, History(database, clock=Clock()), Ledger(database))


async def test_a_person_is_remembered_from_first_sight(archive: Archive) -> None:
    first = await archive.history.person(ANNA, "ru")
    assert (first.id, first.language, first.chosen_language, first.blocked) == (ANNA, "ru", None, False)
    assert first.preferences.mode is first.preferences.count is None
    assert await archive.history.person(ANNA, "ru") == first


async def test_the_language_follows_the_client_until_one_is_chosen(archive: Archive) -> None:
    history = archive.history
    assert (await history.person(ANNA, "ru")).language == "ru"
    assert (await history.person(ANNA, "en-US")).language == "en"
    assert (await history.person(ANNA, None)).language == "en", "a client that says nothing changes nothing"
    await history.set_preference(ANNA, language="ru")
    chosen = await history.person(ANNA, "en")
    assert (chosen.language, chosen.chosen_language) == ("ru", "ru")
    assert (await history.set_preference(ANNA, language=None)).language == "en"


@pytest.mark.parametrize(
    ("client", "spoken"),
    [("ru", "ru"), ("ru-RU", "ru"), ("uk", "ru"), ("be", "ru"), ("kk", "ru"), ("en", "en"), ("pt-br", "en")],
)
def test_clients_are_answered_in_the_nearer_language(client: str, spoken: str) -> None:
    assert language_for(client, default="ru") == spoken
    assert language_for(None, default="ru") == "ru"


async def test_preferences_are_kept_one_by_one(archive: Archive) -> None:
    history = archive.history
    await history.person(ANNA, "ru")
    await history.set_preference(ANNA, mode="full", count=2)
    await history.set_preference(ANNA, size="16:9", style="anime")
    person = await history.set_preference(ANNA, count=None)
    kept = person.preferences
    assert (kept.mode, kept.size, kept.count, kept.style) == ("full", "16:9", None, "anime")
    assert (await history.person(ANNA, "ru")).preferences == kept
    assert (await history.person(BORIS, "ru")).preferences.mode is None


async def test_somebody_seen_before_costs_no_query_and_a_choice_is_known_at_once(archive: Archive) -> None:
    statements: list[str] = []
    first = await archive.history.person(ANNA, "ru")
    event.listen(archive.database.sync_engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    assert await archive.history.person(ANNA, "ru") == first
    assert statements == []
    asked, _ = await asyncio.gather(
        archive.history.person(ANNA, "en"), archive.history.set_preference(ANNA, mode="full")
    )
    assert asked.id == ANNA
    assert (await archive.history.person(ANNA, "en")).preferences.mode == "full"


async def test_unknown_preferences_are_refused(archive: Archive) -> None:
    with pytest.raises(TypeError, match="colour"):
        await archive.history.set_preference(ANNA, colour="red")
    with pytest.raises(ValueError, match="language"):
        await archive.history.set_preference(ANNA, language="de")
    with pytest.raises(ValueError, match="mode"):
        await archive.history.set_preference(ANNA, mode="turbo")


async def test_somebody_who_blocks_and_comes_back_is_known(archive: Archive) -> None:
    await archive.history.set_blocked(ANNA, True)
    assert (await archive.history.person(ANNA, "ru")).blocked
    await archive.history.set_blocked(ANNA, False)
    assert not (await archive.history.person(ANNA, "ru")).blocked


async def test_many_updates_of_a_new_person_at_once_make_one_person(archive: Archive) -> None:
    people = await asyncio.gather(*(archive.history.person(ANNA, "ru") for _ in range(10)))
    assert len(set(people)) == 1


async def test_pictures_are_stored_once_however_often_it_is_told(archive: Archive) -> None:
    job = await archive.job()
    first = await archive.history.add_pictures(job, finished(job), [])
    again = await archive.history.add_pictures(job, finished(job, blob="f" * 64), [])
    assert [picture.tile for picture in first] == [0, 1, 2, 3]
    assert again == first
    assert first[2].recipe.seed == 2
    assert first[2].recipe.checkpoints == {"unet": "r1"}
    assert await archive.history.picture(first[2].id) == first[2]


async def test_a_picture_knows_what_it_was_made_of(archive: Archive) -> None:
    parent = (await archive.pictures(count=1))[0]
    child = (await archive.pictures(count=1, parents=[Parent(picture_id=parent.id)]))[0]
    assert child.parent_id == parent.id
    assert await archive.history.children(parent.id) == [child]
    assert await archive.history.sources.parents(child.id) == [(parent.id, None)]


async def test_pages_go_from_the_newest_to_the_oldest(archive: Archive) -> None:
    older, newer = await archive.pictures(), await archive.pictures(count=2)
    await archive.pictures(owner=BORIS)
    page, total = await archive.history.page(ANNA, offset=0, limit=4)
    rest, _ = await archive.history.page(ANNA, offset=4, limit=4)
    assert total == 6
    assert [picture.id for picture in page + rest] == [picture.id for picture in newer + older]
    assert await archive.history.page(999, offset=0, limit=4) == ([], 0)


async def test_stars_are_kept_and_paged(archive: Archive) -> None:
    pictures = await archive.pictures()
    await archive.history.star(pictures[1].id, True)
    starred, total = await archive.history.page(ANNA, offset=0, limit=10, starred=True)
    assert ([picture.id for picture in starred], total) == ([pictures[1].id], 1)
    assert starred[0].starred
    await archive.history.star(pictures[1].id, False)
    assert await archive.history.page(ANNA, offset=0, limit=10, starred=True) == ([], 0)


async def test_a_deleted_picture_is_nowhere_to_be_found(archive: Archive) -> None:
    pictures = await archive.pictures()
    assert await archive.history.delete(pictures[0].id) == pictures[0].blob
    assert await archive.history.picture(pictures[0].id) is None
    assert [picture.tile for picture in await archive.history.pictures_of_job(pictures[0].job_id)] == [1, 2, 3]
    assert (await archive.history.page(ANNA, offset=0, limit=10))[1] == 3


async def test_bytes_that_another_picture_shows_are_kept(archive: Archive) -> None:
    twins = []
    for _ in range(2):
        job = await archive.job(count=1)
        twins += await archive.history.add_pictures(job, finished(job, blob="a" * 64), [])
    assert await archive.history.delete(twins[0].id) is None
    assert await archive.history.delete(twins[1].id) == "a" * 64
    assert await archive.history.delete(10**9) is None


async def test_a_post_is_remembered_and_changes_its_kind(archive: Archive) -> None:
    picture = (await archive.pictures())[0]
    history, job_id = archive.history, picture.job_id
    await history.add_post(ANNA, 7, job_id=job_id, kind="status")
    await history.add_post(ANNA, 7, job_id=job_id, kind="grid", file_id="F1", file_unique_id="U1")
    post = await history.post(ANNA, 7)
    assert post is not None
    assert (post.kind, post.file_id, post.job_id) == ("grid", "F1", job_id)
    assert await history.post(ANNA, 8) is None
    assert await history.find_post(kind="status", job_id=job_id) is None
    await history.forget_post(ANNA, 7)
    assert await history.post(ANNA, 7) is None


async def test_the_newest_post_and_its_file_are_found(archive: Archive) -> None:
    picture = (await archive.pictures())[0]
    history = archive.history
    await history.add_post(ANNA, 8, job_id=picture.job_id, picture_id=picture.id, kind="single", file_id="F8")
    await history.add_post(BORIS, 5, job_id=picture.job_id, picture_id=picture.id, kind="single")
    await history.add_post(ANNA, 9, job_id=picture.job_id, picture_id=picture.id, kind="file", file_id="F9")
    newest = await history.find_post(picture_id=picture.id)
    here = await history.find_post(kind="single", picture_id=picture.id, chat_id=ANNA)
    assert newest is not None
    assert here is not None
    assert (newest.message_id, here.message_id) == (9, 8)
    assert await history.file_id_of(picture.id, "single") == "F8"
    assert await history.file_id_of(picture.id, "file") == "F9"
    assert await history.file_id_of(picture.id, "page") is None
    with pytest.raises(TypeError):
        await history.find_post()


async def test_pictures_move_with_their_group_and_its_old_messages_do_not(archive: Archive) -> None:
    picture = (await archive.pictures())[0]
    await archive.history.add_post(ANNA, 7, job_id=picture.job_id, kind="grid")
    await archive.history.add_post(-1001234567890, 7, job_id=picture.job_id, kind="status")
    await archive.history.move_chat(ANNA, -1001234567890)
    moved = await archive.history.picture(picture.id)
    kept = await archive.history.post(-1001234567890, 7)
    assert moved is not None
    assert kept is not None
    assert (moved.chat_id, kept.kind) == (-1001234567890, "status")
