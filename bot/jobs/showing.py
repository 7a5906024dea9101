"""How a job ended, put into its status message; and the keyboards that belong under what is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, InputMediaPhoto, Message, ReplyParameters

from bot.imaging import collage
from bot.jobs import cards, keyboards, picture_keys
from bot.jobs.compose import Remark
from bot.jobs.context import context_of, line_of, request_of, wish_of
from bot.jobs.mode import Modes
from bot.jobs.originals import Originals, Place, is_more_than_a_photo
from bot.store import History, StoredPicture
from bot.telegram.refusals import Refusal, classify
from bot.telegram.sending import Sending, carrying, find_sent, rewrite, send_once
from bot.texts.i18n import speaking
from inference.blobs import BlobMissing, BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.requests import Failed, Finished, ModelCard

log = logging.getLogger(__name__)


class Showing:
    """Brings outcomes to people. Raises what Telegram raises; doing it again changes nothing but the edit count."""

    def __init__(
        self,
        *,
        bot: Bot,
        queue: Dispatcher,
        ledger: Ledger,
        history: History,
        blobs: BlobStore,
        originals: Originals,
        modes: Modes[Any],
    ) -> None:
        self._modes = modes
        self._bot = bot
        self._originals = originals
        self._queue = queue
        self._ledger = ledger
        self._history = history
        self._blobs = blobs

    async def outcome(self, job_id: int) -> None:
        """Shows how a job ended, in its status message, and marks it as shown."""
        job = await self._ledger.job(job_id)
        if job is None or job.shown_at is not None or job.outcome is None:
            return
        outcome, job = job.outcome, await self._with_its_message(job)
        with speaking(context_of(job).language):
            ending = self._modes.of(job.request).ending
            ended = ending(job.request, line_of(self._modes, job), outcome, job.id) if ending is not None else None
            if ended is not None:
                await self._words(job, *ended)
            elif isinstance(outcome, Finished):
                await self._finished(job, outcome)
            elif isinstance(outcome, Failed):
                await self._words(job, cards.failed(wish_of(self._modes, job), outcome, job.id))
            else:
                await self._words(job, cards.cancelled(wish_of(self._modes, job)))
        await self._ledger.mark_shown(job_id)

    async def apologise(self, job_id: int) -> None:
        """The last resort where Telegram refuses what an outcome looks like: words of our own, once, then peace."""
        job = await self._ledger.job(job_id)
        if job is not None:
            failure = Failed(code="internal", message="Telegram refused the result")
            try:
                with speaking(context_of(job).language):
                    await self._words(job, cards.failed(wish_of(self._modes, job), failure, job.id))
            except TelegramAPIError as error:
                log.error("job %d: not even an apology arrives: %s", job_id, error)
        await self._ledger.mark_shown(job_id)

    async def send(self, job: Job, text: str, markup: InlineKeyboardMarkup) -> Message:
        """A new message in answer to the request."""
        context = context_of(job)
        return await self._bot.send_message(
            job.chat_id,
            text,
            parse_mode="HTML",
            reply_markup=markup,
            reply_parameters=reply_to(context.reply_to),
            message_thread_id=context.thread,
            disable_notification=not context.private,
        )

    async def _with_its_message(self, job: Job) -> Job:
        """The job with its status message, which a kill may have kept from the ledger: it was cancelled after that."""
        if job.message_id is not None:
            return job
        status = await self._history.find_post(kind="status", job_id=job.id)
        found = status or await find_sent(self._bot, self._history, status_sending(job))
        if found is None:
            return job
        await self._ledger.move_message(job.id, found.message_id)
        return replace(job, message_id=found.message_id)

    async def _finished(self, job: Job, finished: Finished) -> None:
        pictures = await self._history.add_pictures(job, finished, context_of(job).parents)
        if not pictures:  # deleted by their owner in the meantime
            return
        try:
            jpeg = await asyncio.to_thread(
                lambda: collage.grid([self._blobs.get(picture.blob) for picture in pictures])
            )
        except BlobMissing:
            log.exception("job %d has lost its files", job.id)
            failure = Failed(code="internal", message="the pictures' files are gone")
            await self._words(job, cards.failed(wish_of(self._modes, job), failure, job.id))
            return
        line = line_of(self._modes, job)
        text = cards.caption(
            self._modes,
            line,
            job.request,
            seed=job.request.seeds[pictures[0].tile],
            engine_seconds=finished.engine_seconds,
            remarks=_remarks(self._modes, job, finished, self._queue.card),
        )
        markup = await result_keyboard(self._modes, self._history, pictures, job.chat_id, self._queue.card)
        message = await self._put_photo(job, jpeg, text, markup)
        message_id = job.message_id if message is None else message.message_id
        assert message_id is not None
        if message is None:  # it looks like this already: an earlier try got through, perhaps without our knowing
            known = await self._history.post(job.chat_id, message_id)
            if known is not None and known.kind in ("single", "grid"):
                await self._originals_too(job, pictures, message_id)
                return
        photo = message.photo[-1] if message is not None and message.photo else None
        await self._history.add_post(
            job.chat_id if message is None else message.chat.id,
            message_id,
            job_id=job.id,
            picture_id=pictures[0].id if len(pictures) == 1 else None,
            kind="single" if len(pictures) == 1 else "grid",
            file_id=photo.file_id if photo else None,
            file_unique_id=photo.file_unique_id if photo else None,
            sending=_end_key(job),
        )
        await self._originals_too(job, pictures, message_id)

    async def _originals_too(self, job: Job, pictures: list[StoredPicture], answer_to: int) -> None:
        """The file behind a photo that shows less than there is, once."""
        large = [picture for picture in pictures if is_more_than_a_photo(picture)]
        if large:
            place = Place(job.chat_id, answer_to, context_of(job).thread)
            await self._originals.post(large, place, point=False)

    async def _put_photo(self, job: Job, jpeg: bytes, text: str, markup: InlineKeyboardMarkup) -> Message | None:
        """Turns the status message into the photo; sends a new message where that one is gone."""
        photo = BufferedInputFile(jpeg, f"{job.id}.jpg")
        if job.message_id is not None:
            media = InputMediaPhoto(media=photo, caption=text, parse_mode="HTML")
            try:
                edited = await self._bot.edit_message_media(
                    media, chat_id=job.chat_id, message_id=job.message_id, reply_markup=markup
                )
                return edited if isinstance(edited, Message) else None
            except TelegramBadRequest as error:
                if classify(error) is not Refusal.MESSAGE_GONE:
                    raise
        context = context_of(job)
        message = await self._send_once(
            job,
            markup,
            lambda: self._bot.send_photo(
                job.chat_id,
                photo,
                caption=text,
                parse_mode="HTML",
                reply_markup=markup,
                reply_parameters=reply_to(context.reply_to),
                message_thread_id=context.thread,
                disable_notification=not context.private,
            ),
        )
        await self._ledger.move_message(job.id, message.message_id)
        return message

    async def _send_once(
        self, job: Job, markup: InlineKeyboardMarkup, send: Callable[[], Awaitable[Message]]
    ) -> Message:
        context = context_of(job)
        sending = Sending(job.chat_id, _end_key(job), carrying(markup), context.reply_to, context.thread)
        return (await send_once(self._bot, self._history, sending, send))[0]

    async def _words(self, job: Job, text: str, markup: InlineKeyboardMarkup | None = None) -> None:
        """Says in the status message that there will be no picture, and offers to try again."""
        markup = markup or keyboards.retry(job.id, editable=self._modes.editable(request_of(job)))
        if job.message_id is not None:
            try:
                await rewrite(self._bot, job.chat_id, job.message_id, text, markup)
                return
            except TelegramBadRequest as error:
                if classify(error) is not Refusal.MESSAGE_GONE:
                    raise
        message = await self._send_once(job, markup, lambda: self.send(job, text, markup))
        await self._ledger.move_message(job.id, message.message_id)
        await self._history.add_post(
            message.chat.id, message.message_id, job_id=job.id, kind="status", sending=_end_key(job)
        )


def status_sending(job: Job) -> Sending:
    """What is known of a job's status message before it is sent."""
    context = context_of(job)
    with speaking(context.language):
        mine = carrying(keyboards.status(job.id))
    return Sending(job.chat_id, f"status:{job.id}", mine, context.reply_to, context.thread)


def _end_key(job: Job) -> str:
    return f"end:{job.id}"


def reply_to(message_id: int | None) -> ReplyParameters | None:
    """An answer to that message if it is still there."""
    return None if message_id is None else ReplyParameters(message_id=message_id, allow_sending_without_reply=True)


async def keyboard_of(
    modes: Modes[Any], history: History, picture: StoredPicture, card: ModelCard | None, *, more: bool = False
) -> InlineKeyboardMarkup:
    """The keyboard under one picture. One that was its job's only one can be drawn again from here."""
    request = picture.recipe.request
    markup = picture_keys.single(
        modes,
        picture.id,
        request,
        card,
        starred=picture.starred,
        whole_job=picture.job_id if len(request.seeds) == 1 else None,
        more=more,
    )
    return await with_ticks(history, markup, picture.owner_id, since=picture.job_id)


async def result_keyboard(
    modes: Modes[Any], history: History, pictures: list[StoredPicture], chat_id: int, card: ModelCard | None
) -> InlineKeyboardMarkup:
    """The keyboard under the pictures of a job as they are now: what is opened, starred, still there."""
    first = pictures[0]
    request = first.recipe.request
    if len(request.seeds) == 1:
        return await keyboard_of(modes, history, first, card)
    opened = {
        picture.id
        for picture in pictures
        if await history.find_post(kind="single", picture_id=picture.id, chat_id=chat_id) is not None
    }
    numbered = [(picture.tile + 1, picture.id) for picture in pictures]
    markup = keyboards.grid(
        first.job_id,
        numbered,
        variations=picture_keys.variations(modes, numbered, card),
        opened=opened,
        starred=all(picture.starred for picture in pictures),
        editable=modes.editable(request),
        more=modes.keys("grid", request, first.job_id, card),
    )
    return await with_ticks(history, markup, first.owner_id, since=first.job_id)


async def with_ticks(
    history: History, markup: InlineKeyboardMarkup, owner_id: int, *, since: int = 0
) -> InlineKeyboardMarkup:
    """The same keyboard, with a tick on every button that its owner has ordered with after the job `since`."""
    carried = [key.callback_data for row in markup.inline_keyboard for key in row if key.callback_data]
    return keyboards.ticked(markup, await history.ordered_with(owner_id, carried, since=since))


def _remarks(modes: Modes[Any], job: Job, finished: Finished, card: ModelCard | None) -> list[str]:
    """What to say under a result, the weightiest first, since a caption holds only so much."""
    context = context_of(job)
    said = cards.origins(line_of(modes, job), job.request, context.own_words)
    said += [cards.note(note) for note in finished.notes if not (note.code == "unknown_tokens" and context.unknown)]
    if context.unknown:
        said.append(cards.unknown_words(context.unknown, card))
    return said + [cards.remark(modes, Remark(code, detail)) for code, detail in context.remarks]
