"""Pictures on demand: one out of a grid, originals as files, deletion. Each once, however often it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any
from weakref import WeakValueDictionary

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MaybeInaccessibleMessageUnion,
)

from bot.imaging import collage
from bot.jobs import cards
from bot.jobs.belonging import learn
from bot.jobs.context import context_of, line_of_tile
from bot.jobs.mode import Modes
from bot.jobs.originals import Originals, Place
from bot.jobs.showing import keyboard_of, reply_to, result_keyboard
from bot.prompt import PromptLine
from bot.store import History, Post, StoredPicture
from bot.store.handling import sent_before
from bot.telegram.sending import Sending, carrying, send_once
from bot.texts.i18n import _
from inference.blobs import BlobStore
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger

log = logging.getLogger(__name__)

DELETABLE_SECONDS = 47 * 3600.0


class Gallery:
    """State: a lock per picture and chat while something is being posted, so that quick fingers get one of each."""

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
        self._queue = queue
        self._ledger = ledger
        self._history = history
        self._blobs = blobs
        self.originals = originals
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def line(self, picture: StoredPicture) -> PromptLine:
        """The prompt line that draws this picture alone."""
        job = await self._ledger.job(picture.job_id)
        if job is not None:
            return line_of_tile(self._modes, job, picture.tile)
        return self._modes.line(picture.recipe.request, picture.tile)

    async def origins(self, picture: StoredPicture) -> list[str]:
        """Where the words of a picture come from, see `cards.origins`."""
        job = await self._ledger.job(picture.job_id)
        own_words = context_of(job).own_words if job else ""
        return cards.origins(await self.line(picture), picture.recipe.request, own_words)

    async def keyboard(self, picture: StoredPicture) -> InlineKeyboardMarkup:
        """What stands under this picture as it is now."""
        now = await self._history.picture(picture.id) or picture
        return await keyboard_of(self._modes, self._history, now, self._queue.card)

    async def caption(self, picture: StoredPicture) -> str:
        line, request = await self.line(picture), picture.recipe.request
        return cards.caption(self._modes, line, request, seed=picture.recipe.seed, remarks=await self.origins(picture))

    async def jpeg(self, picture: StoredPicture) -> bytes:
        """The picture as it goes into the chat. Raises BlobMissing."""
        return await asyncio.to_thread(lambda: collage.photo(self._blobs.get(picture.blob)))

    async def open(self, picture: StoredPicture, place: Place) -> bool:
        """Posts one picture, or points to where it was posted before. True if it was posted now. Raises BlobMissing."""
        async with self._lock(place.chat_id, picture.id):
            known = await self._history.find_post(kind="single", picture_id=picture.id, chat_id=place.chat_id)
            if known is not None and sent_before(known.message_id):
                return True
            if known is not None and await self.point_to(known, _("Picture {n} is here.").format(n=picture.tile + 1)):
                return False
            file_id = await self._history.file_id_of(picture.id, "single")
            shown = file_id or BufferedInputFile(await self.jpeg(picture), f"{picture.id}.jpg")
            caption = await self.caption(picture)
            markup = await self.keyboard(picture)
            key = f"single:{picture.id}"
            message, fresh = await send_once(
                self._bot,
                self._history,
                Sending(place.chat_id, key, carrying(markup), place.answer_to, place.thread),
                lambda: self._bot.send_photo(
                    place.chat_id,
                    shown,
                    caption=caption,
                    parse_mode="HTML",
                    reply_markup=markup,
                    reply_parameters=reply_to(place.answer_to),
                    message_thread_id=place.thread,
                    disable_notification=place.quiet,
                ),
            )
            photo = message.photo[-1] if message.photo else None
            await self._history.add_post(
                message.chat.id,
                message.message_id,
                job_id=picture.job_id,
                picture_id=picture.id,
                kind="single",
                file_id=photo.file_id if photo else None,
                file_unique_id=photo.file_unique_id if photo else None,
                sending=key,
            )
            there = None if fresh else await self._history.post(message.chat.id, message.message_id)
            if there is not None:  # it was sent before a kill, and stands further up
                await self.point_to(there, _("Picture {n} is here.").format(n=picture.tile + 1))
            return True

    async def files(self, pictures: list[StoredPicture], place: Place) -> bool:
        """Posts originals, or points to them. True if they were posted now. Raises BlobMissing."""
        return await self.originals.post(pictures, place)

    async def point_to(self, post: Post, words: str) -> bool:
        """Answers a message of ours with a finger up. False if that message is gone."""
        return await self.originals.point_to(post, words)

    async def delete(
        self, pictures: list[StoredPicture], *, under: MaybeInaccessibleMessageUnion | None = None
    ) -> None:
        """Deletes pictures for good: rows, files that nobody else needs, and the messages that show them anywhere, the
        one `under` which that was asked for included."""
        if under is not None:
            await learn(self._history, under)
        for picture in pictures:
            digest = await self._history.delete(picture.id)
            if digest is not None:
                await asyncio.to_thread(self._blobs.delete, digest)
            while (post := await self._history.find_post(picture_id=picture.id)) is not None:
                await self._forget(post)
        for job_id in {picture.job_id for picture in pictures}:
            while (grid := await self._history.find_post(kind="grid", job_id=job_id)) is not None:
                if await self._history.pictures_of_job(job_id):
                    await self.refresh(job_id, grid.chat_id, grid.message_id)
                    break
                await self._forget(grid)

    async def _forget(self, post: Post) -> None:
        """Takes one message back; where Telegram forbids that, the others are still to go."""
        await self._history.forget_post(post.chat_id, post.message_id)
        try:
            await self.withdraw(post.chat_id, post.message_id, post.created_at)
        except (TelegramForbiddenError, TelegramBadRequest) as refused:
            log.info("message %d in chat %d stays: %s", post.message_id, post.chat_id, refused)

    async def withdraw(self, chat_id: int, message_id: int, sent_at: float) -> None:
        """Takes a message of ours back. Telegram lets nobody delete old ones: their picture is replaced instead."""
        if time.time() - sent_at < DELETABLE_SECONDS:
            await self._bot.delete_message(chat_id, message_id)
            return
        blank = InputMediaPhoto(media=BufferedInputFile(collage.blank(), "deleted.jpg"), caption="🗑 " + _("Deleted"))
        with contextlib.suppress(TelegramBadRequest):  # in an album of files only files may stand
            await self._bot.edit_message_media(blank, chat_id=chat_id, message_id=message_id, reply_markup=None)

    async def rebutton(
        self, message: MaybeInaccessibleMessageUnion | None, markup: InlineKeyboardMarkup | None
    ) -> None:
        """Puts other buttons under a message, also under one so old that Telegram no longer tells what is in it."""
        if message is not None:
            await self._bot.edit_message_reply_markup(
                chat_id=message.chat.id, message_id=message.message_id, reply_markup=markup
            )

    async def refresh(self, job_id: int, chat_id: int, message_id: int) -> None:
        """Brings the buttons under a result in line with what has become of its pictures."""
        pictures = await self._history.pictures_of_job(job_id)
        if pictures:
            markup = await result_keyboard(self._modes, self._history, pictures, chat_id, self._queue.card)
            await self._bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=markup)

    def _lock(self, chat_id: int, what: int) -> asyncio.Lock:
        return self._locks.setdefault((chat_id, what), asyncio.Lock())
