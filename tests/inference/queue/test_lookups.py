"""What may be asked of the jobs by those who keep their books in the same database."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Select, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.fairness import Limits
from inference.queue.jobs import STATES
from inference.queue.ledger import Ledger
from inference.queue.lookups import keys_in_use, messages_answered, refer_to, texts_with_blobs
from inference.queue.tables import jobs
from inference.requests import Finished, Picture, Recipe, Refine, Source
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import FLASH, accepted

ANNA, BORIS, GROUP = 1001, 1002, -500
PHOTO, MASK, DRAWN, OTHER = (letter * 64 for letter in "abcd")
WORKED_FROM = Refine(prompt="a fox", seeds=(1,), image=Source(blob=PHOTO, width=64, height=64), strength=0.5)


@pytest.fixture
def ledger(database: AsyncEngine, clock: Clock) -> Ledger:
    return Ledger(database, limits=Limits(waiting_per_person=99), clock=clock)


async def found(database: AsyncEngine, query: Select[Any]) -> set[Any]:
    async with database.connect() as connection:
        return set(await connection.scalars(query))


async def holds(database: AsyncEngine, clause: ColumnElement[bool]) -> bool:
    async with database.connect() as connection:
        return bool(await connection.scalar(select(clause)))


def drawn(blob: str) -> Finished:
    recipe = Recipe(request=FLASH, tile=0, checkpoints={}, code_version="1")
    return Finished(pictures=(Picture(tile=0, blob=blob, width=64, height=64, recipe=recipe),))


async def test_a_key_is_in_use_while_its_job_waits_or_runs_and_when_it_gave_pictures(
    database: AsyncEngine, ledger: Ledger
) -> None:
    for state in STATES:
        job = await accepted(ledger, ANNA, key=state)
        async with database.begin() as connection:
            await connection.execute(jobs.update().where(jobs.c.id == job.id).values(state=state))
    in_use = {"new", "queued", "sent", "running", "retry_wait", "done"}
    assert await found(database, keys_in_use(ANNA, STATES)) == in_use
    assert await found(database, keys_in_use(ANNA, ["failed", "sent", "never"])) == {"sent"}


async def test_keys_are_a_persons_own_and_old_ones_do_not_count(database: AsyncEngine, ledger: Ledger) -> None:
    older = await accepted(ledger, ANNA, key="x2")
    await accepted(ledger, ANNA, key="x4")
    await accepted(ledger, ANNA)
    await accepted(ledger, BORIS, key="vary")
    keys = ["x2", "x4", "vary"]
    assert await found(database, keys_in_use(ANNA, keys)) == {"x2", "x4"}
    assert await found(database, keys_in_use(ANNA, keys, since=older.id)) == {"x4"}
    assert await found(database, keys_in_use(ANNA, [])) == set()


async def test_the_messages_that_jobs_answer_are_told_by_chat_and_age(
    database: AsyncEngine, ledger: Ledger, clock: Clock
) -> None:
    await accepted(ledger, ANNA, reply_to=5)
    clock.now += 100
    await accepted(ledger, ANNA, reply_to=7)
    await accepted(ledger, ANNA, reply_to=99)
    await accepted(ledger, ANNA, chat_id=GROUP, reply_to=8)
    await accepted(ledger, ANNA)

    async def answered(chats: range, since: float) -> set[int]:
        return await found(database, messages_answered(range(1, 10), chats=chats, since=since))

    assert await answered(range(ANNA, ANNA + 1), 0.0) == {5, 7}
    assert await answered(range(ANNA, ANNA + 1), clock.now - 50) == {7}
    assert await answered(range(GROUP, 2**62), 0.0) == {5, 7, 8}


async def test_a_job_refers_to_what_it_works_from_what_waits_with_it_and_what_it_has_drawn(
    database: AsyncEngine, ledger: Ledger
) -> None:
    job = await accepted(ledger, ANNA, WORKED_FROM, context={"then": {"mask": MASK}})
    await ledger.finish(job.id, drawn(DRAWN))
    for blob, told, in_outcome in (
        (PHOTO, True, True),
        (MASK, True, True),
        (DRAWN, False, True),
        (OTHER, False, False),
    ):
        assert await holds(database, refer_to(blob)) is told
        assert await holds(database, refer_to(blob, outcomes=True)) is in_outcome
        assert await holds(database, refer_to(blob, owner_id=literal(ANNA))) is told
        assert await holds(database, refer_to(blob, owner_id=literal(BORIS))) is False


async def test_the_texts_with_blobs_leave_out_nothing_but_ends_that_have_been_seen(
    database: AsyncEngine, ledger: Ledger
) -> None:
    job = await accepted(ledger, ANNA, WORKED_FROM, context={"then": {"image": {"blob": MASK}}})
    await accepted(ledger, ANNA)

    async def blobs() -> set[str]:
        texts = [text for query in texts_with_blobs() for text in await found(database, query)]
        return {blob for text in texts for blob in re.findall("[0-9a-f]{64}", text)}

    assert await blobs() == {PHOTO, MASK}
    await ledger.finish(job.id, drawn(DRAWN))
    assert await blobs() == {PHOTO, MASK, DRAWN}
    await ledger.mark_shown(job.id)
    assert await blobs() == {PHOTO, MASK}
