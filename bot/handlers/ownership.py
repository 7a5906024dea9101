"""Buttons belong to whoever asked for the picture, and order a thing once; everybody else gets a private line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiogram.types import CallbackQuery

from bot.delivery import Deliveries
from bot.history import Draft, DraftKind, History, StoredPicture
from bot.history.handling import handling
from bot.i18n import _
from bot.intake import waiting_twin
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger


async def belongs(callback: CallbackQuery, owner_id: int | None) -> bool:
    """Whether the presser may use this button. If not, they have been told so, privately. None: it is gone."""
    if owner_id == callback.from_user.id:
        return True
    if owner_id is None:
        await callback.answer(_("This is no longer there."), show_alert=True)
    else:
        await callback.answer(_("This belongs to somebody else. Send me your own words!"), show_alert=True)
    return False


async def own_picture(callback: CallbackQuery, history: History, picture_id: int) -> StoredPicture | None:
    """The presser's picture; None, and they have been told, where it is gone or not theirs."""
    picture = await history.picture(picture_id)
    return picture if await belongs(callback, picture.owner_id if picture else None) else None


async def own_pictures(callback: CallbackQuery, history: History, job_id: int) -> list[StoredPicture]:
    """What is left of the presser's job; empty, and they have been told, where nothing is or it is not theirs."""
    pictures = await history.pictures_of_job(job_id)
    return pictures if await belongs(callback, pictures[0].owner_id if pictures else None) else []


async def own_job(callback: CallbackQuery, ledger: Ledger, job_id: int) -> Job | None:
    """The presser's job; None, and they have been told, where it is gone or not theirs."""
    job = await ledger.job(job_id)
    return job if await belongs(callback, job.owner_id if job else None) else None


async def own_draft(callback: CallbackQuery, history: History, draft_id: int, kind: DraftKind) -> Draft | None:
    """What the presser is putting together; None, and they have been told, where it is done with or not theirs."""
    draft = await history.sources.draft(draft_id)
    living = draft is not None and draft.kind == kind and draft.closed_at is None
    return draft if await belongs(callback, draft.owner_id if draft is not None and living else None) else None


@asynccontextmanager
async def ordering_once(
    callback: CallbackQuery, key: str, ledger: Ledger, deliveries: Deliveries
) -> AsyncIterator[bool]:
    """Held while a press is looked into, so that quick ones do not order twice. False, and the presser has been told,
    while what the same button ordered for them before is still waiting."""
    async with deliveries.one_press(key):
        twin = await waiting_twin(ledger, callback.from_user.id, key)
        current = handling()
        free = twin is None or (current is not None and twin.update_id == current.name)
        if not free:
            await callback.answer(_("It is already in line."))
        yield free
