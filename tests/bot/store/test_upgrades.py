"""A database of whatever revision becomes one of today: every value is where it was, and is read by today's program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import History
from bot.store.migration import is_current, knows, upgrade
from inference.queue.database import open_database
from inference.queue.ledger import Ledger
from tests.bot.store import past
from tests.inference.queue.jobs import FLASH

ANNA = 1001
MEASURED_ANEW = {"speeds": "0013"}  # tables whose rows of before this revision mean nothing after it


@pytest.fixture(params=past.REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def database(empty_database_url: str, revision: str) -> AsyncIterator[AsyncEngine]:
    engine = open_database(empty_database_url)
    await past.make(engine, revision)
    yield engine
    await engine.dispose()


async def test_it_keeps_every_value_and_is_read_by_the_program_of_today(database: AsyncEngine, revision: str) -> None:
    before = await past.rows(database)
    assert all(before.values()), "a table without rows would prove nothing"
    await upgrade(database)
    assert await is_current(database)
    kept = {table: rows for table, rows in before.items() if revision >= MEASURED_ANEW.get(table, "")}
    assert lost(kept, await past.rows(database)) == []
    await read_all(database, before)
    await told_by_columns_of_later(database, revision)


def lost(before: past.Rows, after: past.Rows) -> list[tuple[str, dict[str, Any]]]:
    """Rows of before that no row of today has all the values of."""
    return [
        (table, row)
        for table, rows in before.items()
        for row in rows
        if not any(row.items() <= {name: one[name] for name in row}.items() for one in after[table])
    ]


async def read_all(database: AsyncEngine, before: past.Rows) -> None:
    history, ledger = History(database), Ledger(database)
    for row in before["jobs"]:
        job = await ledger.job(row["id"])
        assert job is not None and (job.owner_id, job.state) == (row["owner_id"], row["state"])
    for row in before["pictures"]:
        picture = await history.picture(row["id"])
        assert picture is not None and (picture.blob, picture.tile) == (row["blob"], row["tile"])
    for row in before.get("uploads", []):
        assert await history.sources.upload(row["id"]) is not None
    for row in before.get("drafts", []):
        draft = await history.sources.draft(row["id"])
        assert draft is not None and (draft.kind, draft.body) == (row["kind"], row["body"])
    accepted = await ledger.accept(
        update_id=None, owner_id=ANNA, chat_id=ANNA, request=FLASH, context={}, admitted=True
    )
    assert accepted.job.id > max(row["id"] for row in before["jobs"]), "an id is never given out twice"


async def told_by_columns_of_later(database: AsyncEngine, revision: str) -> None:
    """What a migration works out of older rows."""
    after = await past.rows(database)
    for job in after["jobs"]:
        if job["context"] and revision < "0006":
            assert (job["key"], job["reply_to"]) == (job["context"].get("key"), job["context"].get("reply_to"))
    if revision < "0002":
        made_from = {row["picture_id"]: row["parent_id"] for row in after["picture_parents"]}
        assert made_from == {row["id"]: row["parent_id"] for row in after["pictures"] if row["parent_id"]}
    history = History(database)
    found, _total = await history.page(ANNA, offset=0, limit=50, words="circle")
    assert {picture.id for picture in found} >= {1, 2}, "pictures of every age are found by their words"


def test_no_revision_is_left_out() -> None:
    assert len(past.REVISIONS) >= 12 and all(knows(revision) for revision in past.REVISIONS)
    assert not knows("9999")
