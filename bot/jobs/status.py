"""The messages of living jobs: each shows where its job is now, as often as Telegram and a reader can bear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiogram.methods import EditMessageMedia, EditMessageText

from bot.imaging import collage
from bot.jobs import cards, keyboards
from bot.jobs.compose import ModeMissing
from bot.jobs.context import context_of, wish_of
from bot.jobs.mode import Modes
from bot.jobs.tools import Tools
from bot.telegram.outbox import Outbox
from bot.telegram.screen import Photo, Screen, edit
from bot.texts import troubles
from bot.texts.i18n import speaking
from bot.troubles import Cause
from inference.queue.jobs import Job
from inference.queue.recent import Recent
from inference.requests import Progress, Queued, Started, Stopping

_REMEMBERED = 4096
STOPPING_SECONDS = 0.5  # a press is answered at once, and most jobs have ended by then: no need for another edit


@dataclass(slots=True)
class _Status:
    """What the status message of a living job is to look like next."""

    job: Job
    message_id: int
    quiet_until: float
    event: Queued | Started | Progress | Stopping | None = None
    preview: bytes | None = None
    alarm_set: bool = False
    told_of_trouble: bool = False
    reworded: bool = False


class Statuses:
    """State: what every message that is being watched is to look like next."""

    def __init__(self, tools: Tools, outbox: Outbox, *, previews: bool) -> None:
        self._bot = tools.bot
        self._modes = tools.modes
        self._outbox = outbox
        self._previews = previews
        self._living: dict[int, _Status] = {}
        self._over: Recent[int, None] = Recent(_REMEMBERED)
        self._trouble: Cause | None = None

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._living

    def watch(self, job: Job, message_id: int, *, quiet_seconds: float = 0.0) -> None:
        """From now on this message follows its job, but stays as it is for the first seconds.

        Not where the job was forgotten: whoever asks has looked at it before it ended.
        """
        if job.id in self._over:
            return
        quiet_until = asyncio.get_running_loop().time() + quiet_seconds
        event = Stopping() if job.stopping else None
        self._living[job.id] = _Status(job, message_id, quiet_until=quiet_until, event=event)

    def reworded(self, job: Job) -> None:
        """The job is for something else than its message says."""
        status = self._living.get(job.id)
        if status is not None:
            status.job, status.reworded = job, True
            self._refresh(job.id)

    def forget(self, job_id: int) -> None:
        """The message is somebody else's to write from now on, because its job has ended."""
        self._living.pop(job_id, None)
        self._over[job_id] = None

    def clear(self) -> None:
        self._living.clear()

    def heard(self, job_id: int, event: Queued | Started | Progress | Stopping) -> None:
        """Something has happened to a job; nothing is done where its message is not watched."""
        status = self._living.get(job_id)
        if status is None:
            return
        status.event = event
        if isinstance(event, Stopping):
            status.quiet_until = asyncio.get_running_loop().time() + STOPPING_SECONDS
            status.alarm_set = False
        if isinstance(event, Progress) and event.preview:
            status.preview = event.preview
        self._refresh(job_id)

    def out_of_order(self, cause: Cause | None) -> None:
        """From now on those who wait read what keeps the queue from going on; None: it goes on again."""
        self._trouble = cause
        for job_id in tuple(self._living):
            self._refresh(job_id)

    def _refresh(self, job_id: int) -> None:
        """Hands the message to the outbox, not before the person has had a second to read what stands there."""
        status = self._living.get(job_id)
        if status is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < status.quiet_until:
            if not status.alarm_set:
                status.alarm_set = True
                loop.call_at(status.quiet_until, self._refresh, job_id)
            return
        self._outbox.progress(self._bot, status.job.chat_id, status.message_id, lambda: self._render(job_id))

    def _render(self, job_id: int) -> EditMessageText | EditMessageMedia | None:
        """The edit that shows where a job is now; None when its end is on the way already."""
        status = self._living.get(job_id)
        if status is None:
            return None
        trouble = None if isinstance(status.event, Started | Progress | Stopping) else self._trouble
        if status.event is None and trouble is None and not status.told_of_trouble and not status.reworded:
            return None
        status.told_of_trouble |= trouble is not None
        photo = None
        if status.preview is not None and self._previews:
            photo = Photo(collage.preview(status.preview), "preview.jpg")
        with speaking(context_of(status.job).language):
            screen = render(self._modes, status.job, status.event, trouble, photo)
        return edit(status.job.chat_id, status.message_id, screen)


def render(
    modes: Modes[Any],
    job: Job,
    event: Queued | Started | Progress | Stopping | None,
    trouble: Cause | None = None,
    photo: Photo | None = None,
) -> Screen:
    """The status message of a living job after `event`, in the language being spoken; `trouble` is what keeps it from
    going on, `photo` what is drawn so far."""
    wish = wish_of(modes, job)
    text = _text(modes, wish, job, event) if trouble is None else troubles.out_of_order(wish, trouble)
    return Screen(text, None if isinstance(event, Stopping) else keyboards.status(job.id), photo)


def _text(modes: Modes[Any], wish: str, job: Job, event: Queued | Started | Progress | Stopping | None) -> str:
    told = modes.of(job.request).status
    match event:
        case None:
            return cards.accepted(wish)
        case Queued(place=place, possible=False):
            kind = job.request.needs[0]
            return f"{cards.queued(wish, place, None)}\n{ModeMissing(kind, name=modes.kind_name(kind)).told()}"
        case Queued(place=place, eta_seconds=eta):
            return cards.queued(wish, place, eta)
        case Started():
            return cards.drawing(wish, None)
        case Stopping():
            return cards.stopping(wish)
        case Progress() as progress if told is not None:
            return told(wish, job.request, progress)
        case Progress() as progress:
            return cards.drawing(wish, progress)
