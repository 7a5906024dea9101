"""What a job has drawn goes into its person's history, whoever has asked for it and wherever it is shown."""

from __future__ import annotations

from typing import Any

from bot.jobs.context import context_of, line_of
from bot.jobs.mode import Modes
from bot.store import History, StoredPicture
from inference.queue.jobs import Job
from inference.requests import Failed, Outcome


async def remember(history: History, modes: Modes[Any], job: Job, outcome: Outcome) -> list[StoredPicture]:
    """The pictures of a job that has ended, by tile, which are in the history after that; without what has been deleted
    since. It may be done again, and by several at once."""
    if isinstance(outcome, Failed) or not outcome.pictures:
        return []
    context = context_of(job)
    words = f"{line_of(modes, job).prompt} {context.own_words}"
    return await history.add_pictures(job, outcome, context.parents, words=words)
