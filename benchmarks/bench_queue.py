"""The ledger against bare sqlite3, both with synchronous=FULL: what fairness, states and SQLAlchemy cost."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.harness import Row, compare, wall_ms
from inference.queue.database import open_database
from inference.queue.fairness import Limits
from inference.queue.ledger import Ledger
from inference.queue.tables import metadata
from inference.queue.transport import WorkerOffer
from inference.requests import Finished, FlashTextToImage

JOBS = 200
SLOTS = 4
PERSONS = 20
REQUEST = FlashTextToImage(prompt="a fox in the forest, watercolour", seeds=(1, 2, 3, 4))
ROOMY = Limits(waiting_per_person=10**6, running_per_person=10**6, queue_cap=10**6, max_wait_seconds=10**9)


class OurQueue:
    """A ledger in a file, filled and emptied through its public verbs."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._database = open_database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
        self._ledger = Ledger(self._database, limits=ROOMY)
        self._updates = itertools.count(1)
        self._loop = loop
        loop.run_until_complete(self._create())

    async def _create(self) -> None:
        async with self._database.begin() as connection:
            await connection.run_sync(metadata.create_all)

    def enqueue(self) -> None:
        self._loop.run_until_complete(self._enqueue())

    async def _enqueue(self) -> None:
        for number in range(JOBS):
            owner = number % PERSONS
            accepted = await self._ledger.accept(
                update_id=next(self._updates), owner_id=owner, chat_id=owner, request=REQUEST, context={}
            )
            await self._ledger.announce(accepted.job.id, accepted.job.id)

    def claim_and_finish(self) -> None:
        self._loop.run_until_complete(self._claim_and_finish())

    async def _claim_and_finish(self) -> None:
        for _ in range(JOBS // SLOTS):
            for placed in await self._ledger.release([WorkerOffer(slots=SLOTS)]):
                await self._ledger.started(placed.assignment.job_id)
                await self._ledger.finish(placed.assignment.job_id, Finished(pictures=()), 0.1)

    def close(self) -> None:
        self._loop.run_until_complete(self._database.dispose())


class BareQueue:
    """The same arrows as single statements on a table, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, owner INTEGER, state TEXT, request TEXT)")
        self._connection.execute("CREATE INDEX jobs_state ON jobs (state, id)")

    def enqueue(self) -> None:
        request = REQUEST.model_dump_json()
        for number in range(JOBS):
            added = self._connection.execute(
                "INSERT INTO jobs (owner, state, request) VALUES (?, 'new', ?)", (number % PERSONS, request)
            )
            self._connection.execute(
                "UPDATE jobs SET state = 'queued' WHERE id = ? AND state = 'new'", (added.lastrowid,)
            )

    def claim_and_finish(self) -> None:
        pick = (
            "UPDATE jobs SET state = 'sent' WHERE id = (SELECT min(id) FROM jobs WHERE state = 'queued') RETURNING id"
        )
        for _ in range(JOBS):
            claimed = self._connection.execute(pick).fetchone()
            for before, after in (("sent", "running"), ("running", "done")):
                self._connection.execute(
                    "UPDATE jobs SET state = ? WHERE id = ? AND state = ?", (after, claimed[0], before)
                )

    def close(self) -> None:
        self._connection.close()


def rows() -> list[Row]:
    """Milliseconds for 200 jobs of 20 persons, out of some 2,000; the bare side has the same durable arrows a job.

    The first row fills the queue, the second empties it.
    """
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = OurQueue(Path(folder), loop), BareQueue(Path(folder))
        cases = {
            f"accept and announce {JOBS} jobs": (ours.enqueue, bare.enqueue),
            f"claim, start and finish {JOBS} of 2,000 jobs": (ours.claim_and_finish, bare.claim_and_finish),
        }
        measured = [
            compare("queue", case, mine, theirs, baseline_name="sqlite3", target=0.5, repeats=3, clock=wall_ms)
            for case, (mine, theirs) in cases.items()
        ]
        ours.close()
        bare.close()
    loop.close()
    return measured


if __name__ == "__main__":
    for row in rows():
        print(json.dumps(row.as_json()))
