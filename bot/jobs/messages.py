"""What all messages about one job have in common: where they go, how each is known again, what the job is for."""

from __future__ import annotations

from bot.jobs import keyboards
from bot.jobs.context import context_of, line_of, request_of
from bot.jobs.shown_modes import Modes
from bot.telegram.screen import Place
from bot.telegram.sending import Sending, carrying
from bot.texts.i18n import speaking
from inference.queue.jobs import Job


def place_of(job: Job) -> Place:
    """Where a job was asked for."""
    context = context_of(job)
    return Place(job.chat_id, context.reply_to, context.thread)


def status_key(job: Job) -> str:
    """Names a job's first message before it is sent."""
    return f"status:{job.id}"


def end_key(job: Job) -> str:
    """Names the message with a job's end before it is sent, where the status message is gone."""
    return f"end:{job.id}"


def status_sending(job: Job) -> Sending:
    """What is known of a job's status message before it is sent."""
    with speaking(context_of(job).language):
        keys = keyboards.status(job.id)
    return Sending(place_of(job), status_key(job), carrying(keys))


def wish_of(modes: Modes, job: Job) -> str:
    """What a job is for, as HTML."""
    return modes.wish(request_of(job), line_of(job).prompt)


def plain_wish_of(modes: Modes, job: Job) -> str:
    """The same in one line of plain text."""
    return modes.plain_wish(request_of(job), line_of(job).prompt)
