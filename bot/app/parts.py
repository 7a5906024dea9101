"""What a program of the bot's makes of its settings, whichever it is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.settings import Settings, SettingsError
from bot.store.room import MEGABYTE, Allowance
from bot.telegram.turns import Turns
from bot.troubles import reason_of
from inference.blobs import BlobStore
from inference.queue.address import BY_QUEUE
from inference.queue.database import DriverMissing, open_database
from inference.queue.fairness import Limits

SCRATCH = "scratch"  # in DATA_DIR: what is on its way to a store elsewhere


@contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. A second signal ends the program the hard way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked)
    try:
        yield stop
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


def make_folder(folder: Path) -> Path:
    """A folder of the studio's data, made where it is not there. Raises SettingsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise SettingsError("DATA_DIR", f"the folder {folder} cannot be made: {refused.strerror}") from refused
    return folder


def blobs_of(settings: Settings) -> BlobStore:
    """Where pictures are kept, tried. Raises SettingsError."""
    if settings.blobs_url == BY_QUEUE:
        raise SettingsError("BLOBS_URL", f"{BY_QUEUE} is for workers: name the folder or the store that keeps pictures")
    try:
        blobs = BlobStore(settings.blobs_url, settings.data_dir / SCRATCH)
        blobs.prove()
        blobs.forget_partials()
    except Exception as refused:  # whatever the driver of somebody's store may raise
        raise SettingsError("BLOBS_URL", f"no picture can be kept there: {reason_of(refused)}") from refused
    return blobs


@asynccontextmanager
async def database_of(
    settings: Settings, readied: Callable[[AsyncEngine], Awaitable[None]]
) -> AsyncIterator[AsyncEngine]:
    """The database while it is used, once `readied` has seen to it. Raises SettingsError, and what that raises."""
    try:
        database = open_database(settings.database_url)
    except DriverMissing as lack:
        raise SettingsError("DATABASE_URL", str(lack)) from lack
    except OSError as refused:
        raise unusable(refused) from refused
    try:
        try:
            await readied(database)
        except (SQLAlchemyError, OSError) as refused:
            raise unusable(refused) from refused
        yield database
    finally:
        await database.dispose()


def unusable(error: SQLAlchemyError | OSError) -> SettingsError:
    """The refusal of a database that fails."""
    return SettingsError("DATABASE_URL", f"the database cannot be used: {reason_of(error)}")


def looks() -> Turns:
    """Turns at looking into pictures that people have sent; the decoder has places of its own."""
    return Turns(8, per_person=2, waiting=100)


def allowance_of(settings: Settings) -> Allowance:
    return Allowance(
        person=settings.upload_mb_per_person * MEGABYTE,
        studio=settings.upload_mb_total * MEGABYTE,
        disk=settings.free_disk_mb * MEGABYTE,
    )


def limits_of(settings: Settings) -> Limits:
    return Limits(
        waiting_per_person=settings.waiting_per_person,
        running_per_person=settings.running_per_person,
        queue_cap=settings.queue_cap,
        max_wait_seconds=settings.max_wait_minutes * 60,
    )
