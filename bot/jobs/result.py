"""The end of a job: what is known of it is gathered, made into one message, shown, and written down.

A kill or a refusal may come between any two lines. Done again, nothing changes but how often a message was edited: the
message is edited, or sent once by a key of its own; what it shows is written down after that; and the job is marked as
shown last of all.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import Message

from bot.imaging import collage
from bot.imaging.signature import signature_of
from bot.jobs.belonging import write_down
from bot.jobs.context import context_of, line_of
from bot.jobs.ending import REFUSED, Facts, failed, render
from bot.jobs.messages import end_key, place_of, status_sending
from bot.jobs.originals import Originals
from bot.jobs.shown import look_up
from bot.jobs.tools import Tools
from bot.jobs.translation import wanted
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Screen, put
from bot.telegram.sending import find_sent, send_screen_once
from bot.texts.i18n import speaking
from inference.blobs import BlobMissing
from inference.queue.jobs import Job
from inference.requests import Finished, Outcome

log = logging.getLogger(__name__)


async def show(tools: Tools, originals: Originals, job: Job, outcome: Outcome) -> None:
    """Shows how a job ended, in its status message, and marks it as shown. Raises what Telegram raises."""
    facts = _known(tools, await _with_its_message(tools, job), outcome)
    with speaking(facts.context.language):
        facts = await _with_its_pictures(tools, facts)
        screen = render(facts)
        if screen is not None:
            message_id = await _put(tools, facts, screen)
            if facts.larger:
                place = replace(place_of(job), answer_to=message_id)
                await originals.post(facts.larger, place, point=False)
    await tools.ledger.mark_shown(job.id)


async def apologise(tools: Tools, job_id: int) -> None:
    """The last resort where Telegram refuses what an outcome looks like: words of our own, once, then peace."""
    job = await tools.ledger.job(job_id)
    if job is not None:
        facts = _known(tools, job, REFUSED)
        try:
            with speaking(facts.context.language):
                await _put(tools, facts, failed(facts, REFUSED))
        except TelegramAPIError as error:
            log.error("job %d: not even an apology arrives: %s", job_id, error)
    await tools.ledger.mark_shown(job_id)


async def _with_its_message(tools: Tools, job: Job) -> Job:
    """The job with its status message, which a kill may have kept from the ledger: it was cancelled after that."""
    if job.message_id is not None:
        return job
    status = await tools.history.find_post(kind="status", job_id=job.id)
    found = status or await find_sent(tools.bot, tools.history, status_sending(job))
    if found is None:
        return job
    await tools.ledger.move_message(job.id, found.message_id)
    return replace(job, message_id=found.message_id)


def _known(tools: Tools, job: Job, outcome: Outcome) -> Facts:
    """What is known of the end of a job without its pictures."""
    context = context_of(job)
    return Facts(
        job=job,
        context=context,
        request=wanted(job.request, context),
        line=line_of(tools.modes, job),
        outcome=outcome,
        modes=tools.modes,
        card=tools.queue.card,
    )


async def _with_its_pictures(tools: Tools, facts: Facts) -> Facts:
    """The same with what has been drawn, which is in the history after that, and with what has become of it."""
    job, outcome = facts.job, facts.outcome
    if not isinstance(outcome, Finished) or not outcome.pictures:
        return facts
    pictures = await tools.history.add_pictures(job, outcome, facts.context.parents)
    if not pictures:
        return facts
    try:
        files = await asyncio.to_thread(lambda: {picture.blob: tools.blobs.get(picture.blob) for picture in pictures})
        jpeg = await asyncio.to_thread(collage.grid, [files[picture.blob] for picture in pictures])
        signed = await asyncio.to_thread(lambda: {blob: signature_of(png) for blob, png in files.items()})
        await tools.history.signatures.keep(job.owner_id, signed)
    except BlobMissing:
        log.exception("job %d has lost its files", job.id)
        jpeg = None
    return replace(facts, shown=await look_up(tools, pictures, job.chat_id), jpeg=jpeg)


async def _put(tools: Tools, facts: Facts, screen: Screen) -> int:
    """Turns the status message into this, or sends it, once, where that one is gone; writes down what it shows now.

    Returns its id.
    """
    job = facts.job
    there = await _edited(tools, job, screen)
    if there is None:
        there, _fresh = await send_screen_once(tools.bot, tools.history, place_of(job), end_key(job), screen)
        await tools.ledger.move_message(job.id, there.message_id)
    elif not facts.seen or await _is_written_down(tools, there):
        return _number(there)
    await write_down(
        tools.history,
        there,
        kind="status" if not facts.seen else "single" if len(facts.seen) == 1 else "grid",
        job_id=job.id,
        picture_id=facts.seen[0].id if len(facts.seen) == 1 else None,
        sending=end_key(job),
    )
    return _number(there)


async def _edited(tools: Tools, job: Job, screen: Screen) -> Message | tuple[int, int] | None:
    """The status message that looks like this now; its chat and id where it did before, None where it is gone."""
    if job.message_id is None:
        return None
    try:
        edited = await put(tools.bot, job.chat_id, job.message_id, screen)
    except TelegramBadRequest as error:
        if classify(error) is not Refusal.MESSAGE_GONE:
            raise
        return None
    return edited if isinstance(edited, Message) else (job.chat_id, job.message_id)


async def _is_written_down(tools: Tools, there: Message | tuple[int, int]) -> bool:
    """Whether an earlier try got through, perhaps without our knowing, and is known for the result that it is."""
    known = None if isinstance(there, Message) else await tools.history.post(*there)
    return known is not None and known.kind in ("single", "grid")


def _number(there: Message | tuple[int, int]) -> int:
    return there.message_id if isinstance(there, Message) else there[1]
