"""Pictures on demand: one out of a grid, originals as files, deletion. Each once, however often it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from weakref import WeakValueDictionary

from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import InlineKeyboardMarkup, MaybeInaccessibleMessageUnion

from bot.imaging import collage
from bot.jobs import cards
from bot.jobs.belonging import learn, write_down
from bot.jobs.context import context_of, line_of_tile
from bot.jobs.originals import Originals
from bot.jobs.shown import keys_of, keys_of_job
from bot.jobs.tools import Tools
from bot.prompt import PromptLine
from bot.store import Post, StoredPicture
from bot.store.handling import sent_before
from bot.telegram.screen import Photo, Place, Screen, put
from bot.telegram.sending import send_screen_once
from bot.texts.i18n import _

log = logging.getLogger(__name__)

DELETABLE_SECONDS = 47 * 3600.0


class Gallery:
    """State: a lock per picture and chat while something is being posted, so that quick fingers get one of each."""

    def __init__(self, tools: Tools, originals: Originals) -> None:
        self._tools = tools
        self.originals = originals
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def line(self, picture: StoredPicture) -> PromptLine:
        """The prompt line that draws this picture alone."""
        job = await self._tools.ledger.job(picture.job_id)
        if job is not None:
            return line_of_tile(self._tools.modes, job, picture.tile)
        return self._tools.modes.line(picture.recipe.request, picture.recipe.tile)

    async def origins(self, picture: StoredPicture) -> list[str]:
        """Where the words of a picture come from, see `cards.origins`."""
        job = await self._tools.ledger.job(picture.job_id)
        own_words = context_of(job).own_words if job else ""
        return cards.origins(await self.line(picture), picture.recipe.request, own_words)

    async def keyboard(self, picture: StoredPicture) -> InlineKeyboardMarkup:
        """What stands under this picture as it is now."""
        return await keys_of(self._tools, await self._tools.history.picture(picture.id) or picture)

    async def caption(self, picture: StoredPicture) -> str:
        line, request = await self.line(picture), picture.recipe.alone
        return cards.caption(
            self._tools.modes, line, request, seed=picture.recipe.seed, remarks=await self.origins(picture)
        )

    async def photo(self, picture: StoredPicture) -> Photo | str:
        """The picture as it goes into the chat, or Telegram's id of it. Raises BlobMissing."""
        file_id = await self._tools.history.file_id_of(picture.id, "single")
        if file_id is not None:
            return file_id
        jpeg = await asyncio.to_thread(lambda: collage.photo(self._tools.blobs.get(picture.blob)))
        return Photo(jpeg, f"{picture.id}.jpg")

    async def open(self, picture: StoredPicture, place: Place) -> bool:
        """Posts one picture, or points to where it was posted before. True if it was posted now. Raises BlobMissing."""
        history = self._tools.history
        async with self._locks.setdefault((place.chat_id, picture.id), asyncio.Lock()):
            known = await history.find_post(kind="single", picture_id=picture.id, chat_id=place.chat_id)
            if known is not None and sent_before(known.message_id):
                return True
            if known is not None and await self.point_to(known, _("Picture {n} is here.").format(n=picture.tile + 1)):
                return False
            screen = await self._alone(picture)
            key = f"single:{picture.id}"
            message, fresh = await send_screen_once(self._tools.bot, history, place, key, screen)
            await write_down(history, message, kind="single", job_id=picture.job_id, picture_id=picture.id, sending=key)
            there = None if fresh else await history.post(message.chat.id, message.message_id)
            if there is not None:  # it was sent before a kill, and stands further up
                await self.point_to(there, _("Picture {n} is here.").format(n=picture.tile + 1))
            return True

    async def _alone(self, picture: StoredPicture) -> Screen:
        """What one picture by itself looks like."""
        photo = await self.photo(picture)
        return Screen(await self.caption(picture), await self.keyboard(picture), photo)

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
            await learn(self._tools.history, under)
        for picture in pictures:
            digest = await self._tools.history.delete(picture.id)
            if digest is not None:
                await asyncio.to_thread(self._tools.blobs.delete, digest)
            while (post := await self._tools.history.find_post(picture_id=picture.id)) is not None:
                await self._forget(post)
        for job_id in {picture.job_id for picture in pictures}:
            while (grid := await self._tools.history.find_post(kind="grid", job_id=job_id)) is not None:
                if await self._tools.history.pictures_of_job(job_id):
                    await self.refresh(job_id, grid.chat_id, grid.message_id)
                    break
                await self._forget(grid)

    async def _forget(self, post: Post) -> None:
        """Takes one message back; where Telegram forbids that, the others are still to go."""
        await self._tools.history.forget_post(post.chat_id, post.message_id)
        try:
            await self._withdraw(post.chat_id, post.message_id, post.created_at)
        except (TelegramForbiddenError, TelegramBadRequest) as refused:
            log.info("message %d in chat %d stays: %s", post.message_id, post.chat_id, refused)

    async def _withdraw(self, chat_id: int, message_id: int, sent_at: float) -> None:
        """Takes a message of ours back. Telegram lets nobody delete old ones: their picture is replaced instead."""
        if time.time() - sent_at < DELETABLE_SECONDS:
            await self._tools.bot.delete_message(chat_id, message_id)
            return
        blank = Screen("🗑 " + _("Deleted"), photo=Photo(collage.blank(), "deleted.jpg"))
        with contextlib.suppress(TelegramBadRequest):  # in an album of files only files may stand
            await put(self._tools.bot, chat_id, message_id, blank)

    async def rebutton(
        self, message: MaybeInaccessibleMessageUnion | None, markup: InlineKeyboardMarkup | None
    ) -> None:
        """Puts other buttons under a message, also under one so old that Telegram no longer tells what is in it."""
        if message is not None:
            await self._tools.bot.edit_message_reply_markup(
                chat_id=message.chat.id, message_id=message.message_id, reply_markup=markup
            )

    async def rekey(
        self, message: MaybeInaccessibleMessageUnion | None, picture: StoredPicture, *, more: bool = False
    ) -> None:
        """Puts the keys of one picture under the message that shows it, as they are now."""
        if message is not None:
            now = await self._tools.history.picture(picture.id) or picture
            under = message.chat.id, message.message_id
            await self.rebutton(message, await keys_of(self._tools, now, more=more, under=under))

    async def refresh(self, job_id: int, chat_id: int, message_id: int) -> None:
        """Brings the buttons under a result in line with what has become of its pictures."""
        pictures = await self._tools.history.pictures_of_job(job_id)
        if pictures:
            markup = await keys_of_job(self._tools, pictures, chat_id, message_id)
            await self._tools.bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=markup)
