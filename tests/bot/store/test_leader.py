"""One bot leads; another stands by and takes over, however the first one ends."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.store.leader import leading
from inference.queue.database import open_database
from tests.waiting import until

LEAD = """
import asyncio, sys
from bot.store.leader import leading

async def lead():
    async with leading(sys.argv[1], asyncio.Event()) as leads:
        print(leads, flush=True)
        await asyncio.Event().wait()

asyncio.run(lead())
"""


class Standby:
    """A bot that wants to lead, in a task."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop, self.leave = asyncio.Event(), asyncio.Event()
        self.waits, self.lost = False, False
        self.leads: bool | None = None
        self.task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        async with leading(self.url, self.stop, standing_by=self._standing_by, lost=self._lose) as leads:
            self.leads = leads
            await self.leave.wait()

    @asynccontextmanager
    async def _standing_by(self) -> AsyncIterator[None]:
        self.waits = True
        yield
        self.waits = False

    def _lose(self) -> None:
        self.lost = True

    async def end(self) -> None:
        self.stop.set()
        self.leave.set()
        await self.task


async def test_the_second_stands_by_until_the_first_has_ended(postgres_url: str) -> None:
    first = Standby(postgres_url)
    await until(lambda: first.leads)
    second = Standby(postgres_url)
    await until(lambda: second.waits)
    assert second.leads is None and not first.waits
    await first.end()
    await until(lambda: second.leads)
    assert not second.waits and not second.lost
    await second.end()


async def test_who_is_killed_is_followed(postgres_url: str) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LEAD, postgres_url, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None and await program.stdout.readline() == b"True\n"
    second = Standby(postgres_url)
    await until(lambda: second.waits)
    program.kill()
    await program.wait()
    await until(lambda: second.leads)
    await second.end()


async def test_who_is_asked_to_stop_while_standing_by_never_leads(postgres_url: str) -> None:
    first = Standby(postgres_url)
    await until(lambda: first.leads)
    second = Standby(postgres_url)
    await until(lambda: second.waits)
    await second.end()
    assert second.leads is False
    await first.end()


async def test_who_loses_the_connection_is_told_before_two_lead(postgres_url: str) -> None:
    first = Standby(postgres_url)
    await until(lambda: first.leads)
    await cut_off_everybody(postgres_url)
    await until(lambda: first.lost)
    second = Standby(postgres_url)
    await until(lambda: second.leads)
    for one in (first, second):
        await one.end()


async def test_a_standby_outlives_a_database_that_does_not_answer(postgres_url: str) -> None:
    first = Standby(postgres_url)
    await until(lambda: first.leads)
    second = Standby(postgres_url)
    await until(lambda: second.waits)
    await cut_off_everybody(postgres_url)
    await until(lambda: first.lost)
    await until(lambda: second.leads)
    for one in (first, second):
        await one.end()


async def test_however_many_want_to_one_leads_at_a_time(postgres_url: str) -> None:
    leading_now, most = 0, 0

    async def live() -> None:
        nonlocal leading_now, most
        async with leading(postgres_url, asyncio.Event()) as leads:
            assert leads
            leading_now += 1
            most = max(most, leading_now)
            await asyncio.sleep(random.uniform(0, 0.02))
            leading_now -= 1

    await asyncio.gather(*(live() for _ in range(5)))
    assert most == 1


async def test_on_sqlite_there_is_nobody_to_wait_for(tmp_path: Path) -> None:
    for _ in range(2):
        async with leading(f"sqlite+aiosqlite:///{tmp_path}/studio.db", asyncio.Event()) as leads:
            assert leads


async def cut_off_everybody(url: str) -> None:
    database = open_database(url)
    async with database.connect() as connection:
        await connection.exec_driver_sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    await database.dispose()
