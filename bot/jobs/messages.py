"""What all messages about one job have in common: where they go, and how each is known again."""

from __future__ import annotations

from bot.jobs import keyboards
from bot.jobs.context import context_of
from bot.telegram.screen import Place
from bot.telegram.sending import Sending, carrying
from bot.texts.i18n import speaking
from inference.queue.jobs import Job

NOWHERE = 0  # the number of no message


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
