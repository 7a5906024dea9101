"""What is left to ask once a press has come through the door (`bot.middlewares.presses`)."""

from __future__ import annotations

from aiogram.types import CallbackQuery

from bot.jobs.order import waiting_twin
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.store import Parent, Person, StoredPicture
from bot.store.handling import handling
from bot.texts.i18n import _
from inference.requests import AnyRequest


async def gone(press: CallbackQuery) -> None:
    """Tells the presser, privately, that there is nothing to be done any more."""
    await press.answer(_("This is no longer there."), show_alert=True)


async def own_pictures(press: CallbackQuery, studio: Studio, job_id: int) -> list[StoredPicture]:
    """What is left of the job of a button; empty, and the presser has been told, where nothing is."""
    pictures = await studio.history.pictures_of_job(job_id)
    if not pictures:
        await gone(press)
    return pictures


async def lent(press: CallbackQuery, studio: Studio, origin: Origin, request: AnyRequest) -> tuple[Parent, ...] | None:
    """What a request works from, for whoever wants the same as somebody else: what was given or drawn in this chat.

    None, and the presser has been told, where part of it was not: what its owner has shown us elsewhere is not theirs.
    """
    wanted = request.pictures
    known = await studio.history.sources.seen_in(origin.chat_id, wanted)
    if not known.keys() >= set(wanted):
        text = _("It was made from a picture that was not sent in this chat, so only its owner can draw it again.")
        await press.answer(text, show_alert=True)
        return None
    return tuple(known[blob] for blob in wanted)


async def ordered_just_now(studio: Studio, owner_id: int, key: str) -> bool:
    """Whether the update in hand has ordered under this key before it was cut short: what has come of that is no
    earlier result to point to."""
    current = handling()
    job_id = await studio.history.job_ordered_with(owner_id, key)
    job = await studio.ledger.job(job_id) if job_id is not None and current is not None else None
    while job is not None and (job.update_id or 0) < 0:  # it follows a translation, whose number this is
        job = await studio.ledger.job(-(job.update_id or 0))
    return current is not None and job is not None and job.update_id == current.name


async def in_line_already(
    press: CallbackQuery, studio: Studio, person: Person, key: str, *, answering: bool = True
) -> bool:
    """Whether what the same button has ordered for this person before is still waiting, and the presser has been told.
    If not, the press is answered without a word; with `answering` off it is left for what may go wrong, to be told in
    an alert."""
    twin = await waiting_twin(studio.ledger, person.id, key)
    current = handling()
    waiting = twin is not None and (current is None or twin.update_id != current.name)
    if waiting or answering:
        await press.answer(_("It is already in line.") if waiting else None)
    return waiting
