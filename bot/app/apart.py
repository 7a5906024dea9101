"""The door for programs in a program of its own: `python -m bot api`.

It shares the bot's database and blobs, writes orders into the ledger, and waits for their ends there; drawing them is
the bot's affair, which looks for new ones every few seconds. So it takes a database for several programs, PostgreSQL,
and a queue that can be looked at from outside, Redis, where the workers say what they can draw. It may be killed and
started again at any time, and there may be several.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.app.parts import allowance_of, blobs_of, database_of, limits_of, looks, stop_on_signals
from bot.door.means import Means
from bot.door.opening import opened
from bot.imaging.decoder import Decoder
from bot.jobs.mode import Modes
from bot.modes import MODES
from bot.settings import Settings, SettingsError
from bot.store import History, Leftovers
from bot.store.migration import is_current
from bot.store.room import Room
from inference.queue.address import LOCAL
from inference.queue.jobs import Trouble, Verdict
from inference.queue.ledger import Ledger
from inference.queue.transport.capacity import joined
from inference.requests import Event, ModelCard

if TYPE_CHECKING:
    from bot.metrics.figures import Figures

log = logging.getLogger(__name__)

GLANCE_SECONDS = 2.0  # between two looks at who has come to the queue
LOOK_SECONDS = 0.5  # between two looks for the end of a job


async def run_apart(settings: Settings) -> None:
    """Lets programs in until SIGTERM or SIGINT. Raises SettingsError."""
    with stop_on_signals() as stop:
        async with metrics.served(settings) as figures, opened_apart(settings, figures):
            await stop.wait()


@asynccontextmanager
async def opened_apart(settings: Settings, figures: Figures | None = None) -> AsyncIterator[int]:
    """Inside, the door is open at the port that this gives, what passes through it counted in `figures`. Raises
    SettingsError where it cannot be, or should not."""
    if settings.api_port is None:
        raise SettingsError("API_PORT", "not set; say at which port programs are to be let in")
    if make_url(settings.database_url).get_backend_name() != "postgresql":
        advice = "SQLite is for one program: set API_PORT for the bot, which opens the door itself, or use PostgreSQL"
        raise SettingsError("DATABASE_URL", advice)
    if settings.queue_url == LOCAL:
        advice = "a worker beside the bot cannot be seen from here: set API_PORT for the bot, or use redis://"
        raise SettingsError("QUEUE_URL", advice)
    _needs_redis()
    blobs = await asyncio.to_thread(blobs_of, settings)
    folder = settings.data_dir / "incoming-api"
    async with database_of(settings, _is_ours) as database:
        ledger = Ledger(database, limits=limits_of(settings))
        queue = FarQueue(settings.queue_url, ledger)
        decoder = Decoder(blobs, folder)
        means = Means(
            queue=queue,
            ledger=ledger,
            history=History(database, default_language=settings.default_language, at_hand=0),
            blobs=blobs,
            decoder=decoder,
            looks=looks(),
            room=Room(Leftovers(database), blobs, allowance_of(settings), settings.data_dir),
            modes=Modes(MODES),
            folder=folder,
            look_seconds=LOOK_SECONDS,
        )
        glancing = asyncio.create_task(queue.glance_forever(), name="glancing at the queue")
        try:
            async with opened(settings, means, None if figures is None else figures.answered) as port:
                assert port is not None
                yield port
        finally:
            glancing.cancel()
            await asyncio.gather(glancing, return_exceptions=True)
            await decoder.close()


class FarQueue:
    """What stands for the bot's dispatcher: what the workers offer, as last seen, and the ledger."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url = url
        self._ledger = ledger
        self._card: ModelCard | None = None
        self._slots = 0
        self._trouble: Trouble | None = None

    @property
    def card(self) -> ModelCard | None:
        return self._card

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def trouble(self) -> Trouble | None:
        return self._trouble

    def listen(self, callback: Callable[[int, Event], None]) -> None:
        """Nothing is told here: whoever waits looks into the ledger."""

    def wake(self) -> None:
        """Nobody to wake is here: the bot looks by itself."""

    async def cancel(self, job_id: int) -> Verdict:
        """Ends a job that waits; of one at a worker the bot, which looks for those that are to stop, tells it."""
        verdict = await self._ledger.cancel(job_id)
        if verdict == "cancelled":
            await self._ledger.mark_shown(job_id)  # its end has nobody else to see it
        return verdict

    async def glance_forever(self) -> None:
        """Looks again and again who has come to the queue."""
        while True:
            try:
                await self.glance()
            except Exception:  # whatever it is, whoever asks for a picture has to be told something
                log.exception("the queue cannot be looked at")
                self._slots = 0
            await asyncio.sleep(GLANCE_SECONDS)

    async def glance(self) -> None:
        from inference.queue.transport.redis.glance import QueueUnusable, glance  # its library is an extra

        try:
            found, _foreign = await glance(self._url)
        except QueueUnusable as unusable:
            if self._trouble is None:
                log.error("the queue cannot be looked at: %s", unusable)
            self._trouble, self._slots = Trouble("engine", str(unusable)), 0
            return
        self._trouble = None
        self._card = joined(offer.card for offer in found.values()) or self._card
        self._slots = self._ledger.slots = sum(offer.slots for offer in found.values())


def _needs_redis() -> None:
    try:
        import redis  # noqa: F401 - an extra, asked for once and not in the middle of a look
    except ModuleNotFoundError as absent:
        advice = f"{absent.name} is not installed; pip install '.[redis]' brings it"
        raise SettingsError("QUEUE_URL", advice) from absent


async def _is_ours(database: AsyncEngine) -> None:
    """Whether the bot has made its tables: they are not changed here. Raises SettingsError."""
    if not await is_current(database):
        advice = "its tables are not those of this version; start the bot first, or run: python -m bot migrate"
        raise SettingsError("DATABASE_URL", advice)
