"""Stands for the bot: takes in a plan of updates, shows outcomes, survives being killed. Controlled over stdin.

Its journal is what a person would see: a line is on disk before the ledger hears of it, as a message is at Telegram.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.fairness import Limits
from inference.queue.jobs import Job, OutOfOrder
from inference.queue.ledger import Ledger
from inference.queue.options import WorkerOptions
from inference.queue.tables import metadata
from inference.queue.transport import Delivery
from inference.queue.transport.local import LocalDelivery
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.requests import Cancelled, Event, Failed, Finished, FlashTextToImage


class Driver:
    def __init__(self, folder: Path, database_url: str, options: dict[str, object], delivery: Delivery) -> None:
        self.folder = folder
        self.journal = os.open(folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.database = open_database(database_url)
        self.clock_offset = 0.0
        self.ledger = Ledger(self.database, limits=Limits(**options), clock=lambda: time.time() + self.clock_offset)  # type: ignore[arg-type]
        self.delivery = delivery
        self.queue = Dispatcher(self.ledger, self.delivery, reconcile_seconds=1.0)
        self.to_show: asyncio.Queue[int] = asyncio.Queue()
        self.over = asyncio.Event()

    async def run(self) -> None:
        async with self.database.begin() as connection:
            await connection.run_sync(metadata.create_all)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.over.set)
        self.queue.listen(self.heard)
        for job in await self.ledger.unshown():
            self.to_show.put_nowait(job.id)
        await self.queue.start()
        tasks = [asyncio.create_task(work) for work in (self.show_forever(), self.take_in(), self.obey(loop))]
        over = asyncio.create_task(self.over.wait())
        done, _ = await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await self.queue.close(5.0)
        while not self.to_show.empty():
            await asyncio.sleep(0.01)
        await self.database.dispose()
        self.note("closed")

    def heard(self, job_id: int, event: Event) -> None:
        place: dict[str, Any] = {"place": event.place} if event.type == "queued" else {}
        if event.type != "progress":
            self.note(event.type, job=job_id, **place)
        if isinstance(event, Finished | Failed | Cancelled):
            self.to_show.put_nowait(job_id)

    async def take_in(self) -> None:
        """Reads the plan from its beginning and as it grows: after a restart every update comes again."""
        for job in await self.ledger.unannounced():
            await self.announce(job)
        with (self.folder / "plan").open() as plan:
            while True:
                place = plan.tell()
                line = plan.readline()
                if not line:
                    await asyncio.sleep(0.01)
                    continue
                update = json.loads(line)
                first_seed = 2 * update["update"]
                try:
                    accepted = await self.ledger.accept(
                        update_id=update["update"],
                        owner_id=update["owner"],
                        chat_id=update["owner"],
                        request=FlashTextToImage(prompt=update["prompt"], seeds=(first_seed, first_seed + 1)),
                        context={"language": "en"},
                        priority=update.get("priority", 0),
                    )
                except OutOfOrder:  # refused politely, and asked for again a little later
                    plan.seek(place)
                    await asyncio.sleep(0.2)
                    continue
                if accepted.fresh:
                    self.note("accepted", job=accepted.job.id, update=update["update"])
                    await self.announce(accepted.job)

    async def announce(self, job: Job) -> None:
        message_id = time.time_ns() // 1000
        self.note("placeholder", job=job.id, message=message_id)
        if await self.ledger.announce(job.id, message_id) is not None:
            self.queue.wake()

    async def show_forever(self) -> None:
        while True:
            job = await self.ledger.job(await self.to_show.get())
            assert job is not None and job.outcome is not None, "listeners hear of outcomes after the commit only"
            if job.shown_at is None:
                self.note("shown", durable=True, job=job.id, message=job.message_id, outcome=job.outcome.type)
                await self.ledger.mark_shown(job.id)

    async def obey(self, loop: asyncio.AbstractEventLoop) -> None:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            match line.decode().split():
                case ["cancel", job_id]:
                    self.note("cancel", job=int(job_id), verdict=await self.queue.cancel(int(job_id)))
                case ["block", seconds]:
                    time.sleep(float(seconds))
                case ["clock", seconds]:
                    self.clock_offset += float(seconds)
        await asyncio.Event().wait()

    def note(self, what: str, *, durable: bool = False, **details: object) -> None:
        line = {"what": what, "at": time.time(), "bot": os.getpid(), **details}
        os.write(self.journal, json.dumps(line).encode() + b"\n")
        if durable:
            os.fsync(self.journal)


async def drive(told: argparse.Namespace) -> None:
    """Of several on one PostgreSQL database one drives, the others stand by."""
    local = told.queue is None
    async with _leading(told.database):
        delivery = LocalDelivery(told.worker) if local else RedisDelivery(told.queue, presence_seconds=told.presence)
        await Driver(told.folder, told.database, told.limits, delivery).run()


def _leading(database_url: str) -> AbstractAsyncContextManager[object]:
    if not database_url.startswith("postgresql"):
        return nullcontext()
    from bot.store.leader import leading  # half of a start, and of no use to one alone

    return leading(database_url, asyncio.Event())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--limits", type=json.loads, default={})
    parser.add_argument("--worker", type=WorkerOptions.model_validate_json, required=True)
    parser.add_argument("--queue")
    parser.add_argument("--presence", type=float)
    asyncio.run(drive(parser.parse_args()))


if __name__ == "__main__":
    main()
