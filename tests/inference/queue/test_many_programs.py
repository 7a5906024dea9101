"""Limits and accounts hold whoever lets people in at the same moment: each ledger here has connections of its own, as
a program of its own would."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.database import open_database
from inference.queue.fairness import Limits
from inference.queue.jobs import Accepted, QueueFull, TooManyWaiting, WaitTooLong
from inference.queue.ledger import Ledger
from inference.queue.tables import jobs, owners
from inference.requests import AnyRequest
from tests.inference.queue.jobs import DONE, FLASH, handed, queued, released

PROGRAMS = 8


@asynccontextmanager
async def programs(url: str, limits: Limits) -> AsyncIterator[list[Ledger]]:
    engines = [open_database(url) for _ in range(PROGRAMS)]
    yield [Ledger(engine, limits=limits) for engine in engines]
    for engine in engines:
        await engine.dispose()


async def tried(ledger: Ledger, owner: int, *, update_id: int | None = None, request: AnyRequest = FLASH) -> Any:
    """What the ledger says to somebody who asks: a job, or why not."""
    try:
        return await ledger.accept(update_id=update_id, owner_id=owner, chat_id=owner, request=request, context={})
    except (TooManyWaiting, QueueFull, WaitTooLong) as refusal:
        return type(refusal)


async def count(database: AsyncEngine, table: Any) -> int:
    async with database.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


@pytest.mark.parametrize("seed", range(4))
async def test_nobody_has_more_waiting_than_allowed_and_all_together_neither(
    database_url: str, database: AsyncEngine, seed: int
) -> None:
    chance = random.Random(seed)
    limits = Limits(waiting_per_person=chance.randint(1, 3), queue_cap=chance.randint(5, 12))
    asking = [chance.randint(1, 6) for _ in range(60)]
    async with programs(database_url, limits) as ledgers:
        answers = await asyncio.gather(*(tried(chance.choice(ledgers), owner) for owner in asking))
        have = Counter(job.owner_id for job in await ledgers[0].active())
    room = sum(min(times, limits.waiting_per_person) for times in Counter(asking).values())
    assert max(have.values()) <= limits.waiting_per_person
    assert have.total() == min(room, limits.queue_cap), "and none is turned away for whom there is room"
    assert sum(isinstance(answer, Accepted) for answer in answers) == have.total()
    assert await count(database, owners) == len(have), "who was refused has no account"


async def test_a_wait_that_would_be_too_long_is_offered_to_nobody(database_url: str, database: AsyncEngine) -> None:
    limits = Limits(waiting_per_person=99, max_wait_seconds=100.0)
    first = await queued(Ledger(database))
    await released(Ledger(database))
    await Ledger(database).finish(first, DONE, device_seconds=30.0)  # so each such job takes 30 s
    async with programs(database_url, limits) as ledgers:
        answers = await asyncio.gather(*(tried(ledgers[number % PROGRAMS], 1) for number in range(24)))
        waits = [outlook.eta_seconds for outlook in (await ledgers[0].outlooks()).values()]
    assert sorted(wait or 0.0 for wait in waits) == pytest.approx([30.0, 60.0, 90.0])
    assert answers.count(WaitTooLong) == 21


async def test_an_update_that_all_of_them_get_is_one_job_and_no_refusal(database_url: str) -> None:
    async with programs(database_url, Limits(waiting_per_person=1)) as ledgers:
        for update_id in range(1, 6):
            answers = await asyncio.gather(*(tried(ledger, update_id, update_id=update_id) for ledger in ledgers))
            assert [type(answer) for answer in answers] == [Accepted] * PROGRAMS
            assert sum(answer.fresh for answer in answers) == 1
            assert len({answer.job.id for answer in answers}) == 1


async def test_a_weight_that_is_set_while_its_owner_comes_is_kept(database_url: str, database: AsyncEngine) -> None:
    async with programs(database_url, Limits(waiting_per_person=99)) as ledgers:
        for owner in range(1, 9):
            asking = [tried(ledger, owner) for ledger in ledgers[1:]]
            await asyncio.gather(*asking[:3], ledgers[0].set_weight(owner, 2.0), *asking[3:])
    async with database.connect() as connection:
        assert list(await connection.scalars(select(owners.c.weight))) == [2.0] * 8


@pytest.mark.parametrize("seed", range(3))
async def test_while_one_draws_and_the_others_order_and_cancel_every_job_ends_once(
    database_url: str, database: AsyncEngine, seed: int
) -> None:
    chance = random.Random(seed)
    async with programs(database_url, Limits(waiting_per_person=99, running_per_person=4)) as ledgers:
        made, ended = list[int](), list[int]()

        async def order(ledger: Ledger) -> None:
            for _ in range(12):
                made.append(await queued(ledger, chance.randint(1, 3)))

        async def cancel(ledger: Ledger) -> None:
            for job_id in chance.sample(made, min(len(made), 6)):
                if await ledger.cancel(job_id) == "cancelled":
                    ended.append(job_id)

        async def draw(ledger: Ledger) -> None:
            for assignment in await handed(ledger, 4):
                await ledger.started(assignment.job_id)
                if await ledger.finish(assignment.job_id, DONE, device_seconds=1.0) is not None:
                    ended.append(assignment.job_id)

        ordering = asyncio.gather(*(order(ledger) for ledger in ledgers[:4]))
        while not ordering.done():
            await asyncio.gather(cancel(ledgers[4]), cancel(ledgers[5]), draw(ledgers[6]))
        await ordering
        while await ledgers[6].active():
            await draw(ledgers[6])
    assert sorted(ended) == sorted(made), "drawn or cancelled, and never both"
    assert await count(database, jobs) == len(made)
