"""The end of a job: what is known of it is gathered, made into one message, shown, and written down.

A kill or a refusal may come between any two lines. Done again, nothing changes but how often a message was edited: the
message is edited, or sent once by a key of its own; what it shows is written down after that; and the job is marked as
shown last of all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from aiogram.exceptions import TelegramAPIError
from aiogram.types import Message

from bot.imaging import collage
from bot.imaging.signature import signature_of
from bot.jobs import elsewhere
from bot.jobs.archive import remember
from bot.jobs.belonging import write_down
from bot.jobs.context import context_of, line_of, names_of
from bot.jobs.ending import REFUSED, Facts, failed, render
from bot.jobs.messages import end_key, place_of, status_sending
from bot.jobs.originals import Originals
from bot.jobs.shown import look_up
from bot.jobs.tools import Tools
from bot.jobs.translation import wanted
from bot.telegram.refusals import NOT_HERE, Refusal, classify, passes
from bot.telegram.screen import Place, Screen, edit
from bot.telegram.sending import find_sent, send_screen_once
from bot.texts.i18n import _, speaking
from inference.blobs import BlobMissing
from inference.queue.jobs import Job
from inference.requests import Outcome

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


async def show(tools: Tools, originals: Originals, job: Job, outcome: Outcome) -> None:
    """Shows how a job ended, in its status message or where Telegram takes it, and marks it as shown. Raises what
    Telegram raises."""
    facts = _known(tools, await _with_its_message(tools, job), outcome)
    with speaking(facts.context.language):
        facts = await _with_its_pictures(tools, facts)
        screen = render(facts)
        if screen is not None:
            await _post_larger(originals, facts, await _shown(tools, facts, screen))
    await tidy(tools, job.id)
    await tools.ledger.mark_shown(job.id)


async def keep(tools: Tools, job: Job, outcome: Outcome) -> None:
    """Puts what a program has asked for into its person's history, and marks it as shown: no chat tells of it. The
    program may do so as well, at the same time."""
    await remember(tools.history, tools.modes, job, outcome)
    await tools.ledger.mark_shown(job.id)


async def apologise(tools: Tools, originals: Originals, job_id: int) -> None:
    """The last resort where Telegram refuses what an outcome looks like: files for pictures, or else words of our own,
    once, then peace."""
    job = await tools.ledger.job(job_id)
    if job is not None:
        try:
            with speaking(context_of(job).language):
                if not await _shown_as_files(tools, originals, job):
                    facts = _known(tools, job, REFUSED)
                    await _put(tools, facts, failed(facts, REFUSED))
        except Exception:  # as above: nothing is left
            log.exception("job %d: not even an apology arrives", job_id)
    await tools.ledger.mark_shown(job_id)


async def tidy(tools: Tools, job_id: int) -> None:
    """Takes back the messages that still say that a job goes on, where another one shows how it ended."""
    job = await tools.ledger.job(job_id)
    for post in await tools.history.statuses(job_id, job.chat_id) if job is not None else ():
        if job is not None and post.message_id != job.message_id:
            log.info("job %d: message %d is over", job_id, post.message_id)
            await _unless_refused(partial(tools.bot.delete_message, post.chat_id, post.message_id))
            await tools.history.forget_post(post.chat_id, post.message_id)


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
    job = facts.job
    pictures = await remember(tools.history, tools.modes, job, facts.outcome)
    if not pictures:
        return facts
    try:
        files = await asyncio.to_thread(lambda: {picture.blob: tools.blobs.get(picture.blob) for picture in pictures})
        called = names_of(job)
        names = [called[picture.tile] for picture in pictures if called]
        jpeg = await asyncio.to_thread(collage.grid, [files[picture.blob] for picture in pictures], names)
        signed = await asyncio.to_thread(lambda: {blob: signature_of(png) for blob, png in files.items()})
        await tools.history.signatures.keep(job.owner_id, signed)
    except BlobMissing:
        log.exception("job %d has lost its files", job.id)
        jpeg = None
    return replace(facts, shown=await look_up(tools, pictures, job.chat_id), jpeg=jpeg)


async def _shown(tools: Tools, facts: Facts, screen: Screen) -> Place | None:
    """Shows an end where it was asked for; what that chat does not take, in private, and the chat is told where.

    Returns where the files that belong to it go, None for nowhere.
    """
    job = facts.job
    try:
        return replace(place_of(job), answer_to=await _put(tools, facts, screen))
    except TelegramAPIError as refused:
        if classify(refused) not in NOT_HERE:
            raise
        log.info("chat %d does not take the end of job %d: %s", job.chat_id, job.id, refused)
        lack = elsewhere.lack_of(refused)
    home = elsewhere.home_of(job)
    brought = await _brought_home(tools, replace(facts, aside=elsewhere.aside(lack)), home) if home else None
    if facts.seen:
        words = elsewhere.instead(facts.wish, home, brought=brought is not None)
        await _unless_refused(lambda: _put(tools, replace(facts, shown=None), Screen(words)))
    return brought


async def _brought_home(tools: Tools, facts: Facts, home: Place) -> Place | None:
    """Where an end stands in a private chat, sent there once; None where that takes nothing either."""
    known = await tools.history.find_post(job_id=facts.job.id, chat_id=home.chat_id)
    screen = render(facts)
    if known is None and screen is not None:
        sent = await _unless_refused(lambda: _sent(tools, facts, screen, home))
        return replace(home, answer_to=sent.message_id) if sent is not None else None
    return replace(home, answer_to=known.message_id) if known is not None else None


async def _post_larger(originals: Originals, facts: Facts, place: Place | None) -> None:
    """Files of which a photo shows less than there is, in private where the chat takes no files."""
    if not facts.larger or place is None:
        return
    try:
        await originals.post(facts.larger, place, point=False)
    except TelegramAPIError as refused:
        home = elsewhere.home_of(facts.job)
        if classify(refused) not in NOT_HERE:
            raise
        if home is not None and place.chat_id != home.chat_id:
            await _unless_refused(lambda: originals.post(facts.larger, home, point=False))


async def _shown_as_files(tools: Tools, originals: Originals, job: Job) -> bool:
    """Whether a job has pictures and they have arrived as files, where they cannot be shown as photos."""
    try:
        facts = await _with_its_pictures(tools, _known(tools, job, job.outcome)) if job.outcome is not None else None
        if facts is None or not facts.seen:
            return False
        await originals.post(list(facts.seen), place_of(job), point=False)
        said = _("I could not show this as a photo, so I have sent it as a file.")
        await _put(tools, replace(facts, shown=None), Screen(f"📄 {said}\n{facts.wish}"))
        return True
    except Exception:  # what has kept the outcome from being shown may strike here as well; words are left
        log.exception("job %d: its files do not arrive either", job.id)
        return False


async def _put(tools: Tools, facts: Facts, screen: Screen) -> int:
    """Turns the status message into this, or sends it, once, where that cannot be; writes down what it shows now.

    Returns its id.
    """
    there = await _edited(tools, facts.job, screen)
    if there is None:
        return (await _sent(tools, facts, screen, place_of(facts.job))).message_id
    if facts.seen and not await _is_written_down(tools, there):
        await _write_down(tools, facts, there)
    return _number(there)


async def _edited(tools: Tools, job: Job, screen: Screen) -> Message | tuple[int, int] | None:
    """The status message that looks like this now; its chat and id where it did before, None where it is gone or
    cannot look like this, while a new one may: what was drawn so far does not stay over words that end it."""
    if job.message_id is None:
        return None
    try:
        edited = await tools.bot(edit(job.chat_id, job.message_id, screen))
    except TelegramAPIError as error:
        if classify(error) not in (Refusal.MESSAGE_GONE, Refusal.OTHER):
            raise
        log.info("job %d: message %d cannot show how it ended: %s", job.id, job.message_id, error)
        return None
    return edited if isinstance(edited, Message) else (job.chat_id, job.message_id)


async def _sent(tools: Tools, facts: Facts, screen: Screen, place: Place) -> Message:
    """A new message, sent once, that shows how a job ended: from now on the job's own, unless it goes elsewhere."""
    job = facts.job
    message, _fresh = await send_screen_once(tools.bot, tools.history, place, end_key(job), screen)
    if place.chat_id == job.chat_id:
        await tools.ledger.move_message(job.id, message.message_id)
    await _write_down(tools, facts, message)
    return message


async def _write_down(tools: Tools, facts: Facts, there: Message | tuple[int, int]) -> None:
    await write_down(
        tools.history,
        there,
        kind="status" if not facts.seen else "single" if len(facts.seen) == 1 else "grid",
        job_id=facts.job.id,
        picture_id=facts.seen[0].id if len(facts.seen) == 1 else None,
        sending=end_key(facts.job),
    )


async def _unless_refused(call: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """What a call returns; None where Telegram will never do it. Raises what may pass."""
    try:
        return await call()
    except TelegramAPIError as refused:
        if passes(classify(refused)):
            raise
        log.info("refused for good: %s", refused)
        return None


async def _is_written_down(tools: Tools, there: Message | tuple[int, int]) -> bool:
    """Whether an earlier try got through, perhaps without our knowing, and is known for the result that it is."""
    known = None if isinstance(there, Message) else await tools.history.post(*there)
    return known is not None and known.kind in ("single", "grid")


def _number(there: Message | tuple[int, int]) -> int:
    return there.message_id if isinstance(there, Message) else there[1]
