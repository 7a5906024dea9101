"""Jobs of the house: drawn once for everybody, in nobody's name, so no chat has a status message of theirs.

They are released after what people wait for, and what becomes of one is up to the mode of its request
(`Mode.of_house`).
"""

from __future__ import annotations

from bot.jobs.context import JobContext
from bot.jobs.studio import Studio
from bot.store import HOUSE
from inference.queue.jobs import Job, OutOfOrder
from inference.requests import AnyRequest

AFTER_PEOPLE = -1  # their priority


async def job_of_house(studio: Studio, update_id: int, request: AnyRequest, context: JobContext) -> Job:
    """The job of the house with the key of this context that waits, runs or has made pictures that are all still here;
    else a new one. Raises OutOfOrder."""
    assert context.key is not None
    async with studio.one_press(context.key):
        job_id = await studio.history.job_ordered_with(HOUSE, context.key)
        job = await studio.ledger.job(job_id) if job_id is not None else None
        if job is not None and (job.shown_at is None or await _is_whole(studio, job)):
            return job
        if studio.ledger.trouble is not None:
            raise OutOfOrder(studio.ledger.trouble)
        accepted = await studio.ledger.accept(
            update_id=update_id,
            owner_id=HOUSE,
            chat_id=HOUSE,
            request=request,
            priority=AFTER_PEOPLE,
            admitted=True,
            **context.told(),
        )
        await studio.deliveries.announce(accepted.job)
        return accepted.job


async def _is_whole(studio: Studio, job: Job) -> bool:
    return len(await studio.history.pictures_of_job(job.id)) == len(job.request.seeds)
