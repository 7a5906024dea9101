"""What is told of one thing at the same moment, by several tasks on connections of their own."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import History, Signatures
from bot.store.signatures import KEPT
from bot.store.tables import drafts, signatures

ANNA = 5_000_000_001


@pytest.fixture
def history(database: AsyncEngine) -> History:
    return History(database)


async def test_of_many_who_are_about_to_send_the_same_message_one_does(history: History) -> None:
    for key in ("status:1", "status:2", "status:3"):
        told = await asyncio.gather(*(history.sendings.intend(ANNA, key, after=7) for _ in range(8)))
        assert sorted(told) == [False] * 7 + [True]


async def test_a_draft_stands_in_the_newest_of_its_messages_whichever_is_told_of_first(history: History) -> None:
    for _ in range(5):
        draft = await history.sources.add_draft(ANNA, ANNA, "mix", {})
        numbers = random.sample(range(100, 200), 8)
        await asyncio.gather(*(history.sources.place_draft(draft.id, number) for number in numbers))
        placed = await history.sources.draft(draft.id)
        assert placed is not None and placed.message_id == max(numbers)


async def test_what_is_noted_in_a_draft_at_once_is_all_there(history: History) -> None:
    draft = await history.sources.add_draft(ANNA, ANNA, "mix", {"begun": True})
    await asyncio.gather(*(history.sources.note_in_draft(draft.id, **{f"field {n}": n}) for n in range(8)))
    noted = await history.sources.draft(draft.id)
    assert noted is not None and noted.body == {"begun": True, **{f"field {n}": n for n in range(8)}}


async def test_however_many_dialogs_begin_at_once_one_listens(history: History, database: AsyncEngine) -> None:
    for _ in range(5):
        begun = [await history.sources.add_draft(ANNA, ANNA, "mix", {}) for _ in range(6)]
        await asyncio.gather(*(history.dialogs.listen(draft) for draft in begun))
        async with database.connect() as connection:
            listening = select(func.count()).where(drafts.c.listens_until.is_not(None))
            assert await connection.scalar(listening) == 1


async def test_signatures_of_the_same_pictures_kept_in_any_order_stop_nobody(database: AsyncEngine) -> None:
    kept = Signatures(database)
    blobs = [f"{number:064x}" for number in range(KEPT)]

    async def keep() -> None:
        shuffled = random.sample(blobs, len(blobs))
        await kept.keep(ANNA, dict.fromkeys(shuffled, b"x"), used=shuffled[:4])

    for _ in range(5):
        await asyncio.gather(*(keep() for _ in range(6)))
    async with database.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(signatures)) == KEPT


async def test_a_person_who_is_met_at_once_is_one(history: History, database: AsyncEngine) -> None:
    elsewhere = [History(database) for _ in range(6)]  # each has seen nobody yet
    met = await asyncio.gather(*(one.person(ANNA, "ru") for one in elsewhere))
    assert len(set(met)) == 1
