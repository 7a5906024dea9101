"""What a pressed button is for. That it is the presser's has been seen to at the door (`bot.middlewares.presses`);
here it is found to be gone in the meantime, or done with, and ordered once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiogram.types import CallbackQuery

from bot.jobs.belonging import standing_in
from bot.jobs.delivery import Deliveries
from bot.jobs.intake import waiting_twin
from bot.store import Draft, DraftKind, History, Person, StoredPicture
from bot.store.handling import handling
from bot.texts.i18n import _
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger


async def gone(callback: CallbackQuery) -> None:
    """Tells the presser, privately, that there is nothing to be done any more."""
    await callback.answer(_("This is no longer there."), show_alert=True)


async def own_picture(callback: CallbackQuery, history: History, picture_id: int) -> StoredPicture | None:
    """The picture of a button; None, and the presser has been told, where it is gone."""
    picture = await history.picture(picture_id)
    if picture is None:
        await gone(callback)
    return picture


async def own_pictures(callback: CallbackQuery, history: History, job_id: int) -> list[StoredPicture]:
    """What is left of the job of a button; empty, and the presser has been told, where nothing is."""
    pictures = await history.pictures_of_job(job_id)
    if not pictures:
        await gone(callback)
    return pictures


async def own_job(callback: CallbackQuery, ledger: Ledger, job_id: int) -> Job | None:
    """The job of a button; None, and the presser has been told, where it is gone."""
    job = await ledger.job(job_id)
    if job is None:
        await gone(callback)
    return job


async def own_draft(
    callback: CallbackQuery, history: History, draft_id: int, kind: DraftKind, over: str | None = None
) -> Draft | None:
    """What is being put together; None, and the presser has been told, where it is done with (`over` says how to put
    that) or is something else."""
    draft = await history.sources.draft(draft_id)
    if draft is None or draft.kind != kind:
        await gone(callback)
        return None
    if draft.closed_at is not None:
        await callback.answer(over or _("This is no longer there."), show_alert=True)
        return None
    return standing_in(draft, callback.message)


@asynccontextmanager
async def ordering_once(
    callback: CallbackQuery, person: Person, key: str, ledger: Ledger, deliveries: Deliveries
) -> AsyncIterator[bool]:
    """Held while a press is looked into, so that quick ones do not order twice. False, and the presser has been told,
    while what the same button ordered for this person before is still waiting."""
    async with deliveries.one_press(key):
        twin = await waiting_twin(ledger, person.id, key)
        current = handling()
        free = twin is None or (current is not None and twin.update_id == current.name)
        if not free:
            await callback.answer(_("It is already in line."))
        yield free
