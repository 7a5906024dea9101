"""From a job's events to the one message a person watches: place in line, bar and preview, then the pictures.

Whatever a person must learn is shown from the ledger and marked there only after Telegram has taken it, so that a
crash or an outage at any point leads to the same message being edited again, never to silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiogram.exceptions import TelegramAPIError
from aiogram.methods import EditMessageMedia, EditMessageText
from aiogram.types import InlineKeyboardMarkup

from bot.jobs import cards, keyboards, result
from bot.jobs.belonging import write_down
from bot.jobs.context import context_of, is_told_nowhere, wish_of
from bot.jobs.ending import REFUSED
from bot.jobs.gallery import Gallery
from bot.jobs.insisting import until_done
from bot.jobs.messages import NOWHERE, place_of, status_key
from bot.jobs.origin import Origin
from bot.jobs.originals import Originals
from bot.jobs.status import Statuses, render
from bot.jobs.tools import Tools
from bot.jobs.translation import next_step
from bot.store import HOUSE
from bot.telegram.outbox import Outbox, results_first
from bot.telegram.refusals import NOT_HERE, Refusal, classify
from bot.telegram.screen import Screen, put, send
from bot.telegram.sending import send_screen_once
from bot.texts.i18n import speaking
from bot.troubles import cause_of_trouble
from inference.queue.jobs import Job, Trouble
from inference.queue.logs import about, of_job
from inference.requests import Cancelled, Event, Failed, Finished, Stopping

log = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
ARRIVAL_SECONDS = 15.0

_NOBODY = frozenset({Refusal.BLOCKED, Refusal.CHAT_GONE})


class Follower:
    """State: the status messages of living jobs, and the tasks that are bringing something to somebody.

    `start` before the queue starts, so that no event is missed; `resume` after it.
    """

    def __init__(self, tools: Tools, outbox: Outbox, *, previews: bool = True, first_pause: float = 1.0) -> None:
        self._tools = tools
        self._bot = tools.bot
        self._queue = tools.queue
        self._ledger = tools.ledger
        self._history = tools.history
        self._closing = asyncio.Event()
        self._insisting: dict[str, Any] = {"first": first_pause, "closing": self._closing}
        self._originals = Originals(tools)
        self.gallery = Gallery(tools, self._originals)
        self._outbox = outbox
        self._statuses = Statuses(tools, outbox, previews=previews)
        self._errands: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._once_shown: Callable[[Job], Coroutine[Any, Any, None]] | None = None

    async def start(self) -> None:
        self._queue.listen(self._heard)
        self._queue.on_trouble(self._troubled)

    def on_shown(self, do: Callable[[Job], Coroutine[Any, Any, None]]) -> None:
        """What else is to be done once somebody has seen how their job ended; a crash may leave it undone."""
        self._once_shown = do

    async def resume(self) -> None:
        """After a restart: every job gets a status message or its old one is taken up; what has ended is shown."""
        await self._history.sendings.forget_old()
        for job in await self._ledger.unannounced():
            if context_of(job).follows is not None:
                continue  # its translation is not shown yet and will bring it
            self._run("announce", job.id, self._announce_until_done(job.id))
        for job in await self._ledger.active():
            if job.message_id is not None and job.id not in self._statuses and not is_told_nowhere(job):
                self._statuses.watch(job, job.message_id)
                self._run("resume", job.id, self._tell_resumed(job))
        for job in await self._ledger.unshown():
            self._bring(job.id)

    async def close(self, grace_seconds: float) -> None:
        """Lets what is under way arrive within the grace; the rest, and what has to be tried again, is shown after the
        next start."""
        self._closing.set()
        tasks = list(self._errands.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._statuses.clear()

    async def announce(self, job: Job) -> None:
        """Puts a fresh job's status message in place and lets the queue have it; later if that cannot be just now."""
        try:
            with about(job.id):
                await self._announce(job)
        except Exception as error:
            log.info("job %d could not be announced yet: %s", job.id, error, extra=of_job(job.id))
            self._run("announce", job.id, self._announce_until_done(job.id, error))

    def ended(self, job_id: int) -> None:
        """A job has ended before it was announced, and nobody else says so: its end is its first message."""
        self._bring(job_id)

    def reworded(self, job: Job) -> None:
        """A job that waits is for something else from now on: its status message says so."""
        self._statuses.reworded(job)

    async def blocked(self, chat_id: int) -> None:
        """Somebody has blocked the bot, or a group has thrown it out: nothing is drawn for them any more."""
        if chat_id > 0:
            await self._history.set_blocked(chat_id, True)
        for job in await self._ledger.active():
            if job.chat_id == chat_id:
                await self._queue.cancel(job.id)

    def show(self, chat_id: int, message_id: int, looks: EditMessageText | EditMessageMedia) -> None:
        """Has a message look like this when nothing of more weight waits; what comes later takes its place."""
        self._outbox.progress(self._bot, chat_id, message_id, lambda: looks)

    async def say(self, origin: Origin, text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        """Answers where somebody asked, in HTML."""
        await send(self._bot, origin.place, Screen(text, markup))

    # Progress

    def _heard(self, job_id: int, event: Event) -> None:
        if isinstance(event, Finished | Failed | Cancelled):
            self._bring(job_id)
            return
        self._statuses.heard(job_id, event)

    def _troubled(self, trouble: Trouble | None) -> None:
        self._statuses.out_of_order(None if trouble is None else cause_of_trouble(trouble))

    async def _tell_resumed(self, job: Job) -> None:
        assert job.message_id is not None
        if job.stopping:
            self._statuses.heard(job.id, Stopping())
            return
        outlook = await self._ledger.outlook(job.id)
        if job.id not in self._statuses:  # its end is on its way
            return
        with speaking(context_of(job).language):
            wish = wish_of(self._tools.modes, job)
            text = cards.resumed(wish, outlook.place if outlook else None, outlook.eta_seconds if outlook else None)
            screen = Screen(text, keyboards.status(job.id))
        with contextlib.suppress(TelegramAPIError):  # the end will be shown in any case
            await put(self._bot, job.chat_id, job.message_id, screen)

    # The beginning

    async def _announce_until_done(self, job_id: int, failed: Exception | None = None) -> None:
        await until_done(job_id, self._announce_if_new, self._not_to_be_announced, failed, **self._insisting)

    async def _announce_if_new(self, job_id: int) -> None:
        """Not where a job has ended since it was taken in, or somebody has pressed a message of it."""
        job = await self._ledger.job(job_id)
        if job is None or job.message_id is not None:
            return
        if job.settled:
            self._bring(job_id)
            return
        await self._announce(job)

    async def _announce(self, job: Job) -> None:
        if is_told_nowhere(job):  # whoever waits for it has a message of their own, or is a program
            await self._ledger.announce(job.id, NOWHERE)
            self._queue.wake()
            return
        sent = await self._history.find_post(kind="status", job_id=job.id)
        if sent is not None:
            await self._announced(job, sent.message_id)
            return
        with speaking(context_of(job).language):
            screen = render(self._tools.modes, job, None)
        message, _fresh = await send_screen_once(self._bot, self._history, place_of(job), status_key(job), screen)
        await self.adopt(job, message.message_id, message.chat.id)

    async def adopt(self, job: Job, message_id: int, chat_id: int | None = None) -> None:
        """From now on this message shows the status of a job that has had none."""
        where = (chat_id or job.chat_id, message_id)
        await write_down(self._history, where, kind="status", job_id=job.id, sending=status_key(job))
        await self._announced(job, message_id)

    async def _announced(self, job: Job, message_id: int) -> None:
        """The status message is there: the job may have its turn."""
        self._statuses.watch(job, message_id, quiet_seconds=QUIET_SECONDS)
        announced = await self._ledger.announce(job.id, message_id)
        if announced is None:
            await self._not_announced(job.id, message_id)
        elif (announced.request, context_of(announced)) != (job.request, context_of(job)):
            self._statuses.reworded(announced)  # while its message was on the way
        log.info("job %d is in line: %s", job.id, job.request.kind, extra=of_job(job.id))
        self._queue.wake()

    async def _not_announced(self, job_id: int, message_id: int) -> None:
        """The job was cancelled before it had a message, or a press on a message of it has been quicker."""
        job = await self._ledger.job(job_id)
        if job is None or job.settled or job.message_id is None:
            self._run("take back", job_id, self._bring_once_more(job_id))
        elif job.message_id != message_id:
            self._statuses.watch(job, job.message_id)
            with contextlib.suppress(TelegramAPIError):
                await self._bot.delete_message(job.chat_id, message_id)

    async def _not_to_be_announced(self, job_id: int, error: Exception) -> None:
        """A job that nobody can be told of is not drawn; whoever asked learns so where they can be told anything."""
        log.warning("job %d cannot be announced and will not be drawn: %s", job_id, error)
        if classify(error) in _NOBODY:
            await self._queue.cancel(job_id)
            await self._ledger.mark_shown(job_id)
        elif classify(error) in NOT_HERE:
            await self._queue.cancel(job_id)
        else:
            await self._ledger.finish(job_id, REFUSED)
            self._bring(job_id)

    # The end

    def _bring(self, job_id: int) -> None:
        if ("bring", job_id) not in self._errands:
            self._run("bring", job_id, self._bring_until_seen(job_id))

    async def _bring_once_more(self, job_id: int) -> None:
        """After the one that is under way: what it has not found yet may have to be taken back."""
        task = self._errands.get(("bring", job_id))
        if task is not None:
            await asyncio.wait({task})
        self._bring(job_id)

    async def _bring_until_seen(self, job_id: int) -> None:
        """Shows how a job ended, however long Telegram takes to let us."""
        self._statuses.forget(job_id)
        results_first()
        await self._arrived("resume", job_id)
        await until_done(job_id, self._end, self._not_to_be_shown, **self._insisting)

    async def _not_to_be_shown(self, job_id: int, error: Exception) -> None:
        job = await self._ledger.job(job_id)
        if classify(error) in _NOBODY or (job is not None and is_told_nowhere(job)):
            log.info("the end of job %d has nobody to see it: %s", job_id, error)
            await self._ledger.mark_shown(job_id)
        else:
            log.error("the end of job %d cannot be shown: %s", job_id, error)
            await result.apologise(self._tools, self._originals, job_id)

    async def _arrived(self, errand: str, job_id: int) -> None:
        """Returns when an errand no longer writes to the message of a job; one that hangs is given up."""
        task = self._errands.get((errand, job_id))
        if task is not None:
            await asyncio.wait({task}, timeout=ARRIVAL_SECONDS)
            task.cancel()

    async def _end(self, job_id: int) -> None:
        job = await self._ledger.job(job_id)
        if job is None or job.outcome is None:
            return
        if job.shown_at is not None:
            await result.tidy(self._tools, job_id)
        elif context_of(job).then is not None and not isinstance(job.outcome, Cancelled):
            await self._go_on(job)
        elif job.owner_id == HOUSE:
            await self._tell_all(job)
        elif is_told_nowhere(job):
            await result.keep(self._tools, job, job.outcome)
        else:
            await result.show(self._tools, self._originals, job, job.outcome)
            if self._once_shown is not None:
                self._run("see to what follows", job_id, self._once_shown(job))

    async def _tell_all(self, job: Job) -> None:
        """What the house has drawn goes to everybody who waits for it."""
        bring = self._tools.modes.of(job.request).of_house
        if bring is not None:
            await bring(self._tools, job)
        await self._ledger.mark_shown(job.id)

    async def _go_on(self, job: Job) -> None:
        """What waits for a translation goes in, once, and takes over its status message.

        It was let in with the translation, so that no limit can refuse it now.
        """
        request, context = next_step(job, context_of(job), self._queue.card)
        accepted = await self._ledger.accept(
            update_id=-job.id,  # Telegram's own are positive
            owner_id=job.owner_id,
            chat_id=job.chat_id,
            request=request,
            **context.told(),
            admitted=True,
        )
        follower = accepted.job
        if follower.state == "new" and job.message_id is not None and not is_told_nowhere(job):
            await self._history.add_post(job.chat_id, job.message_id, job_id=follower.id, kind="status")
            await self._announced(follower, job.message_id)
        elif follower.state == "new":
            await self.announce(follower)
        await self._ledger.mark_shown(job.id)

    def _run(self, errand: str, job_id: int, work: Coroutine[Any, Any, None]) -> None:
        with about(job_id):
            task = asyncio.create_task(work, name=f"{errand} job {job_id}")
        self._errands[errand, job_id] = task
        task.add_done_callback(lambda done: self._ended((errand, job_id), done))

    def _ended(self, key: tuple[str, int], task: asyncio.Task[None]) -> None:
        self._errands.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error, extra=of_job(key[1]))
