"""The composition root: everything is made here, in order, and taken apart in the opposite order."""

from __future__ import annotations

import asyncio
import gc
import logging
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aiogram import Bot
from aiogram import Dispatcher as Updates
from aiogram.types import User
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot import metrics, middlewares
from bot.app.lookout import Lookout
from bot.app.parts import (
    SCRATCH,
    allowance_of,
    blobs_of,
    database_of,
    limits_of,
    looks,
    make_folder,
    stop_on_signals,
    unusable,
)
from bot.conversation import build_router
from bot.conversation.commands import introduce
from bot.door.means import Means
from bot.door.opening import opened
from bot.imaging.decoder import Decoder
from bot.jobs.follow import Follower
from bot.jobs.kept import room_again
from bot.jobs.mode import Modes
from bot.jobs.studio import Studio
from bot.jobs.tools import Tools
from bot.modes import MODES
from bot.settings import Settings, SettingsError
from bot.store import History, Leftovers
from bot.store.leader import leading
from bot.store.migration import upgrade
from bot.store.room import Room
from bot.store.sweep import sweep_daily
from bot.telegram.albums import Albums
from bot.telegram.apology import Excuses, apologise
from bot.telegram.connection import connected, reached
from bot.telegram.fetching import Files
from bot.telegram.inbox import Inbox
from bot.telegram.notices import Notices
from bot.telegram.outbox import Outbox
from bot.telegram.receiving import receive
from bot.telegram.standby import closed_door
from bot.telegram.told import Told
from bot.troubles import cause_of, reason_of
from inference.blobs import BlobStore
from inference.queue.address import LOCAL
from inference.queue.database import DriverMissing
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger
from inference.queue.options import WorkerOptions
from inference.queue.transport import Delivery
from inference.queue.transport.local import LocalDelivery
from inference.requests import Picture

if TYPE_CHECKING:
    from bot.metrics.figures import Figures

log = logging.getLogger(__name__)

Chore = Callable[[], Coroutine[Any, Any, None]]

CARD_SECONDS = 30.0


@dataclass(frozen=True)
class Running:
    """A running bot: everything is there, and updates may come in; programs at `api_port`, where there is one."""

    settings: Settings
    bot: Bot
    me: User
    updates: Updates
    inbox: Inbox
    queue: Dispatcher
    decoder: Decoder
    api_port: int | None = None


async def run(settings: Settings, *, on_ready: Callable[[Running], Awaitable[None]] | None = None) -> None:
    """Runs the bot until SIGTERM or SIGINT; `on_ready` is called when it answers. While another bot leads on the same
    database it stands by. Raises SettingsError."""
    with stop_on_signals() as stop:
        try:
            async with leading_studio(settings, stop) as running:
                if running is None:
                    return
                log.info("@%s is listening", running.me.username)
                gc.freeze()  # what the start has made stays: no collection, nor the last one, need look at it
                serving = asyncio.create_task(serve(running, stop))
                await running.decoder.warm_up()
                if on_ready is not None:
                    await on_ready(running)
                await serving
                log.info("no new messages are taken; finishing what is under way")
        except DBAPIError as broken:  # on the way up or down: what comes between is answered where it happens
            raise unusable(broken) from broken


@asynccontextmanager
async def leading_studio(settings: Settings, stop: asyncio.Event) -> AsyncIterator[Running | None]:
    """`open_studio` once no other bot leads on the same database; None when `stop` was set before."""
    async with AsyncExitStack() as ours:
        try:
            figures = await ours.enter_async_context(metrics.served(settings))
            door = closed_door(settings)
            waited: list[bool] = []

            def waiting() -> AbstractAsyncContextManager[None]:
                waited.append(True)
                return door

            leads = await ours.enter_async_context(leading(settings.database_url, stop, standing_by=waiting))
        except DriverMissing as lack:
            raise SettingsError("DATABASE_URL", str(lack)) from lack
        except (SQLAlchemyError, OSError) as refused:
            raise unusable(refused) from refused
        opening = open_studio(settings, stop, figures, took_over=bool(waited))
        yield await ours.enter_async_context(opening) if leads else None


async def migrate_database(settings: Settings) -> None:
    """Brings the database of the settings up to date and lets go of it. Raises SettingsError."""
    make_folder(settings.data_dir)
    async with database_of(settings, upgrade):
        pass


async def serve(running: Running, stop: asyncio.Event) -> None:
    """Takes updates until `stop` is set, and returns when the last handler has ended."""
    async with running.inbox.open(running.settings.shutdown_grace_seconds):
        kinds = running.updates.resolve_used_update_types()
        await receive(running.bot, running.inbox, running.settings, stop, kinds)


@asynccontextmanager
async def open_studio(
    settings: Settings, stop: asyncio.Event, figures: Figures | None = None, *, took_over: bool = False
) -> AsyncIterator[Running | None]:
    """Brings everything up, all that happens counted in `figures`; on leaving lets running jobs end within the grace
    and shows what they gave. Owners are told if it `took_over` from another bot.

    None when `stop` was set before Telegram could be reached.
    """
    incoming = make_folder(settings.data_dir / "incoming")
    blobs = await asyncio.to_thread(blobs_of, settings)
    outbox = Outbox()
    async with database_of(settings, upgrade) as database, connected(settings, outbox) as bot:
        me = await reached(bot.me, stop)
        if me is None:
            yield None
            return
        history = History(database, default_language=settings.default_language)
        ledger = Ledger(database, limits=limits_of(settings))
        queue = Dispatcher(ledger, delivery_of(settings, blobs))
        modes = Modes(MODES)
        tools = Tools(bot=bot, queue=queue, ledger=ledger, history=history, blobs=blobs, modes=modes)
        deliveries = Follower(tools, outbox, previews=settings.previews)
        outbox.on_blocked = deliveries.blocked
        outbox.on_migrated = history.move_chat
        queue.on_unclaimed(partial(_discard, history, blobs))
        told = Told(settings.data_dir / "notices.json")
        notices = Notices(bot, settings.admin_ids, language=settings.default_language, told=told)
        lookout = Lookout(notices.tell, queue, ledger, blobs, beside_us=settings.queue_url == LOCAL)
        lookout.attend(outbox)
        if took_over:
            notices.tell("standby", f"{platform.node()} leads now")
        leftovers = Leftovers(database)
        room = Room(leftovers, blobs, allowance_of(settings), settings.data_dir)
        files = Files(bot, incoming)
        await asyncio.to_thread(files.clear)
        decoder = Decoder(blobs, incoming)
        studio = Studio(
            bot=bot,
            queue=queue,
            ledger=ledger,
            history=history,
            blobs=blobs,
            deliveries=deliveries,
            files=files,
            decoder=decoder,
            looks=looks(),
            room=room,
            modes=modes,
            api_address=settings.api_address,
        )
        sweeping = partial(sweep_daily, leftovers, blobs, settings.unused_files_days)
        chores: list[Chore] = [sweeping, room.measure, lookout.look_forever]
        deliveries.on_shown(partial(room_again, studio))
        updates = Updates(
            disable_fsm=True,
            settings=settings,
            studio=studio,
            albums=Albums(),
        )
        if figures is not None:
            chores += figures.attend(bot, updates, queue, outbox, notices, database, settings.data_dir)
        middlewares.install(updates, settings=settings, studio=studio, outbox=outbox, tell_owner=notices.tell)
        updates.include_router(build_router(modes))
        inbox = Inbox(bot, updates, database)
        inbox.apologise = partial(apologise, bot)
        inbox.excuse = Excuses(bot).tell
        inbox.on_set_aside = lambda update_id, reason: notices.tell("update", f"update {update_id}: {reason}")
        inbox.refusals.on_refused = lambda error: notices.tell(cause_of(error) or "database", reason_of(error))
        await deliveries.start()
        await queue.start()
        tasks = [asyncio.create_task(chore()) for chore in chores]
        try:
            await deliveries.resume()
            await _model_card(queue, stop)
            tasks.append(asyncio.create_task(introduce(studio), name="introducing"))
            heard = None if figures is None else figures.answered
            async with opened(settings, _means(studio, settings), heard) as port:
                yield Running(settings, bot, me, updates, inbox, queue, decoder, port)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await queue.close(settings.shutdown_grace_seconds)
            await deliveries.close(settings.shutdown_grace_seconds)
            await notices.close()
            await decoder.close()
            await outbox.close()


def _means(studio: Studio, settings: Settings) -> Means:
    """What the door for programs works with in this program."""
    return Means(
        queue=studio.queue,
        ledger=studio.ledger,
        history=studio.history,
        blobs=studio.blobs,
        decoder=studio.decoder,
        looks=studio.looks,
        room=studio.room,
        modes=studio.modes,
        folder=settings.data_dir / "incoming-api",
    )


async def _discard(history: History, blobs: BlobStore, pictures: Sequence[Picture]) -> None:
    """Forgets what was stored for a job that nobody waits for any more, unless another picture has the same bytes."""
    for picture in pictures:
        if not await history.shows(picture.blob):
            await asyncio.to_thread(blobs.delete, picture.blob)


def delivery_of(settings: Settings, blobs: BlobStore) -> Delivery:
    """The way to the workers: one as a child of this process, or whoever has come to the queue's server, with their
    pictures into this store. Raises SettingsError."""
    try:
        address = settings.queue_url
        if address == LOCAL:
            options = WorkerOptions.of(settings)
            places = {"timings_file": settings.data_dir / "timings.json", "scratch_dir": settings.data_dir / SCRATCH}
            return LocalDelivery(options.model_copy(update=places), workers=settings.workers)
        from bot.jobs.carrier import Carrier  # its library is an extra
        from inference.blobs.relay import Relay
        from inference.queue.transport.redis.delivery import RedisDelivery

        return Carrier(RedisDelivery(address), Relay(address), blobs)
    except ModuleNotFoundError as absent:
        advice = f"{absent.name} is not installed; pip install '.[redis]' brings it"
        raise SettingsError("QUEUE_URL", advice) from absent
    except ValueError as unknown:
        raise SettingsError("QUEUE_URL", str(unknown)) from None


async def _model_card(queue: Dispatcher, stop: asyncio.Event) -> None:
    """Waits a while for the worker to say what it can draw; people are answered without it as well."""
    deadline = asyncio.get_running_loop().time() + CARD_SECONDS
    while queue.card is None and not stop.is_set():
        if asyncio.get_running_loop().time() > deadline:
            log.error("no worker has introduced itself in %.0f s; `python -m bot doctor` says why", CARD_SECONDS)
            return
        await asyncio.sleep(0.05)
