"""What is there and what is missing for the bot to run; then the same for the engine, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aiogram.exceptions import AiogramError, TelegramUnauthorizedError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.doctor.probing import SUBJECT, StoreFails, not_there_yet, probe_workers, probing
from bot.settings import Settings
from bot.store.migration import is_current
from bot.telegram.connection import make_bot
from bot.troubles import reason_of
from inference.queue.address import BY_QUEUE, LOCAL, shown_queue_url
from inference.queue.database import DriverMissing, open_database, reading
from inference.queue.findings import Finding, machine
from inference.queue.options import WorkerOptions

if TYPE_CHECKING:
    from inference.queue.transport.redis.offer import Offer

LEAST_FREE_BYTES = 50_000_000  # some pictures and what the database writes beside itself


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """One finding after the other, the slow ones last."""
    yield machine()
    yield Finding(None, "data", str(settings.data_dir))
    yield _disk(settings.data_dir)
    yield await _database(settings)
    async for finding in _queue(settings):
        yield finding
    if settings.webhook_url:
        where = f"{settings.webhook_host}:{settings.webhook_port}"
        yield Finding(None, "updates", f"by webhook at {settings.webhook_url}, served on {where}")
    else:
        yield Finding(None, "updates", "by polling")
    yield await _token(settings)


async def examine(settings: Settings) -> bool:
    """Prints all findings, the engine's too where it works beside the bot. Returns whether the bot will run."""
    well = [finding.tell() async for finding in findings(settings)]
    if settings.queue_url == LOCAL:
        well += [finding.tell() async for finding in _engine(settings)]
    return all(well)


async def _engine(settings: Settings) -> AsyncIterator[Finding]:
    """What the engine's doctor does not print itself: how it ended, and whether the two sides of the store are one."""
    store = settings.blobs_url
    if not_there_yet(store):
        yield Finding(None, SUBJECT, f"{store} (made at the first start)")
        yield _as_finding(examine_engine(settings))
        return
    try:
        async with probing(store) as asked:
            yield _as_finding(examine_engine(settings, asked.digest))
            yield await asked.answered("the engine")
    except StoreFails as why:
        yield Finding(False, SUBJECT, f"the bot cannot use {store}: {why}")


def examine_engine(settings: Settings, question: str | None = None) -> bool:
    """Has the engine's own doctor print what it finds, and answer a question in the store. Returns whether it will
    draw."""
    environment = {**os.environ, **WorkerOptions.of(settings).to_environment(), "BLOBS_URL": settings.blobs_url}
    command = [sys.executable, "-m", "inference", "doctor", *(() if question is None else ("--blob", question))]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def _as_finding(draws: bool) -> Finding:
    return Finding(draws, "engine", "will draw" if draws else "will not draw, or not everything: see above")


async def _queue(settings: Settings) -> AsyncIterator[Finding]:
    address = settings.queue_url
    if address == LOCAL:
        slots = f"{settings.worker_slots} slots, device {settings.device}"
        yield Finding(True, "queue", f"the worker runs beside the bot ({slots})")
        return
    try:
        from inference.queue.transport.redis.glance import QueueUnusable, glance  # its library is an extra
    except ModuleNotFoundError as absent:
        yield Finding(False, "queue", f"{absent.name} is not installed; pip install '.[redis]' brings it")
        return
    try:
        offers, refused = await glance(address)
        workers = "no worker has come to it" if not offers else f"workers that have come to it: {len(offers)}"
        yield Finding(True, "queue", f"{shown_queue_url(address)}; {workers}")
        for life, why in refused.items():
            yield Finding(None, "worker", f"{life} gets no jobs: {why}")
        for life, offer in offers.items():
            yield _worker(life, offer)
        async for finding in _pictures(settings, address, offers):
            yield finding
    except QueueUnusable as why:
        yield Finding(False, "queue", str(why))


def _worker(life: str, offer: Offer) -> Finding:
    kinds = ", ".join(offer.card.kinds) if offer.card is not None else "nothing yet"
    words = f"{life}: {offer.slots} slots, device {offer.device}, version {offer.code_version}, draws {kinds}"
    return Finding(offer.slots > 0 or None, "worker", f"{words}; {offer.trouble}" if offer.trouble else words)


async def _pictures(settings: Settings, address: str, offers: Mapping[str, Offer]) -> AsyncIterator[Finding]:
    """Whether each worker and the bot reach the same store."""
    store = settings.blobs_url
    if store == BY_QUEUE:  # on a worker's machine
        yield await asyncio.to_thread(_by_queue, address)
        return
    try:
        if not offers:
            async with probing(store):
                yield Finding(True, SUBJECT, f"the bot reads and writes {store}; nobody is there to share it with")
        async for finding in probe_workers(store, address, offers):
            yield finding
    except StoreFails as why:
        yield Finding(False, SUBJECT, f"the bot cannot use {store}: {why}")


def _by_queue(address: str) -> Finding:
    """Whether pictures can go through the queue's server."""
    from redis.exceptions import RedisError  # its library is an extra

    from inference.blobs.relay import Relay

    relay = Relay(address)
    try:
        relay.prove()
        return Finding(True, SUBJECT, "they go through the queue's server, and lie with the bot alone")
    except RedisError as refused:
        return Finding(False, SUBJECT, f"the queue's server takes none: {reason_of(refused)}")
    finally:
        relay.close()


async def _database(settings: Settings) -> Finding:
    name = settings.database_url
    if name.startswith("sqlite") and not _sqlite_file_exists(name):
        return Finding(None, "database", f"{name} (made at the first start)")
    try:
        database = open_database(name)
    except DriverMissing as lack:
        return Finding(False, "database", str(lack))
    try:
        if (damage := await _damage(database)) is not None:
            return Finding(False, "database", f"{name} is damaged: {damage}; go back to a copy of it")
        if await is_current(database):
            return Finding(True, "database", name)
        return Finding(None, "database", f"{name} is older than the program; the next start or `migrate` updates it")
    except (SQLAlchemyError, OSError) as refused:
        reason = str(getattr(refused, "orig", None) or refused).splitlines()[0]
        return Finding(False, "database", f"{name} cannot be used: {reason}")
    finally:
        await database.dispose()


async def _damage(database: AsyncEngine) -> str | None:
    """What SQLite finds wrong with its file first; None where it is whole, or no file."""
    if database.dialect.name != "sqlite":
        return None
    async with reading(database).connect() as connection:
        found = str((await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar())
    return None if found == "ok" else found.splitlines()[-1]


def _disk(folder: Path) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(there)
    words = f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB where {folder} lies"
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding(False, "disk", f"{there} cannot be written to")
    return Finding(usage.free >= LEAST_FREE_BYTES, "disk", words)


def _sqlite_file_exists(url: str) -> bool:
    return Path(url.partition(":///")[2]).is_file()


async def _token(settings: Settings) -> Finding:
    if settings.bot_token is None:
        return Finding(None, "token", "BOT_TOKEN is not set: only `python -m bot demo` will run")
    bot = make_bot(settings)
    try:
        me = await bot.get_me(request_timeout=10)
        return Finding(True, "token", f"belongs to @{me.username}")
    except TelegramUnauthorizedError:
        return Finding(False, "token", "BOT_TOKEN is unknown to Telegram; ask @BotFather for it")
    except AiogramError as error:
        return Finding(
            None, "token", f"BOT_TOKEN has the right shape; {settings.telegram_api_url} is out of reach: {error}"
        )
    finally:
        await bot.session.close()
