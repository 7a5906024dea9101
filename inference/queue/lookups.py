"""What others may ask of the jobs, as SQL for statements of their own: their books lie in the same database.

Nobody else names the columns of the jobs. What is kept with a job for the bot is searched as a text or asked for a
field that the bot names, never read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select

from inference.queue.jobs import LIVING, STOPPING, TERMINAL, WAITING
from inference.queue.tables import jobs

_FRUITLESS = [state for state in TERMINAL + STOPPING if state != "done"]


def keys_in_use(owner_id: int, keys: Collection[str], *, since: int = 0) -> Select[str]:
    """Those among the keys under which a person has ordered, after the job `since`, what waits, runs or is done."""
    return select(jobs.c.key).where(
        jobs.c.owner_id == owner_id, jobs.c.key.in_(keys), jobs.c.id > since, jobs.c.state.not_in(_FRUITLESS)
    )


def newest_with_key(owner_id: int, key: str) -> Select[int]:
    """The newest job that a person has ordered under a key and that waits, runs or is done."""
    wanted = (jobs.c.owner_id == owner_id, jobs.c.key == key, jobs.c.state.not_in(_FRUITLESS))
    return select(jobs.c.id).where(*wanted).order_by(jobs.c.id.desc()).limit(1)


def messages_answered(numbers: Collection[int], *, chats: range, since: float) -> Select[int]:
    """Those among the message numbers that jobs answer, accepted after `since` (seconds) in a chat of this range."""
    return select(jobs.c.reply_to).where(
        jobs.c.created_at > since, jobs.c.reply_to.in_(numbers), jobs.c.chat_id.between(chats.start, chats.stop - 1)
    )


def refer_to(
    blob: ColumnElement[str] | str, *, owner_id: ColumnElement[int] | None = None, outcomes: bool = False
) -> ColumnElement[bool]:
    """Whether jobs, of this owner or of anybody, have this digest in what they work from or wait with, and with
    `outcomes` in what they have ended with."""
    columns = (jobs.c.request, jobs.c.context, *([jobs.c.outcome] if outcomes else []))
    told = select(jobs.c.id).where(or_(*(cast(column, Text).contains(blob) for column in columns)))
    return (told if owner_id is None else told.where(jobs.c.owner_id == owner_id)).exists()


def texts_with_blobs() -> tuple[Select[str], ...]:
    """Every text of a job that refers to blobs: requests, what waits with a job, and ends that nobody has seen yet."""
    unseen = _with_blobs(jobs.c.outcome).where(jobs.c.shown_at.is_(None))
    return _with_blobs(jobs.c.request), _with_blobs(jobs.c.context), unseen


def living_by_state(field: str) -> Select[str, int, int]:
    """How many jobs have not ended, by state: rows of `state`, `jobs`, and of those the ones `saying` yes in this field
    of what is kept with them."""
    saying = func.count().filter(jobs.c.context[field].as_boolean())
    counted = select(jobs.c.state, func.count().label("jobs"), saying.label("saying")).where(jobs.c.state.in_(LIVING))
    return counted.group_by(jobs.c.state)


def waiting_since() -> Select[float | None]:
    """Since when (seconds) the job waits that has waited longest; one row."""
    since = func.min(func.coalesce(jobs.c.queued_at, jobs.c.created_at))
    return select(since).where(jobs.c.state.in_(WAITING))


def ends_of(job_ids: Collection[int]) -> Select[str, str, float | None, float | None, float | None]:
    """Of those of the jobs that have ended: rows of `compatibility` (see `kind_in`), `state`, and in seconds
    `queued_at`, `started_at` and `finished_at`."""
    times = (jobs.c.queued_at, jobs.c.started_at, jobs.c.finished_at)
    return select(jobs.c.compatibility, jobs.c.state, *times).where(jobs.c.id.in_(job_ids), jobs.c.state.in_(TERMINAL))


def _with_blobs(column: ColumnElement[Any]) -> Select[str]:
    text = cast(column, Text)
    return select(text).where(text.contains('"blob"'))
