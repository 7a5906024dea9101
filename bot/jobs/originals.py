"""Originals as files, each posted once to a chat however often it is asked for."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputMediaDocument, Message
from PIL import Image

from bot.jobs.belonging import file_name, write_down
from bot.jobs.tools import Tools
from bot.store import Post, StoredPicture
from bot.store.handling import sent_before
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Place, point_to
from bot.telegram.sending import Sending, send_once
from bot.texts.i18n import _

MAX_DOCUMENT_BYTES = 50_000_000
MAX_WEBP_SIDE = 16_383


def fitted(content: bytes) -> tuple[bytes, str]:
    """A PNG as Telegram takes it, and its suffix: itself, lossless WebP above 50 MB, at last a JPEG.

    At 4096² lossless WebP of method 0 is six times as fast as PNG and smaller; noise may be too much even for it.
    """
    if len(content) <= MAX_DOCUMENT_BYTES:
        return content, "png"
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        if max(image.size) <= MAX_WEBP_SIDE:
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", lossless=True, method=0)
            if buffer.tell() <= MAX_DOCUMENT_BYTES:
                return buffer.getvalue(), "webp"
        for quality in (95, 85, 70):
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= MAX_DOCUMENT_BYTES:
                break
    return buffer.getvalue(), "jpg"


class Originals:
    """State: a lock per job and chat while its files are being posted, so that quick fingers get one of each."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def post(self, pictures: list[StoredPicture], place: Place, *, point: bool = True) -> bool:
        """Posts originals, two and more as one album; where all were posted before, points to them if `point`.

        True if they were posted now. Raises BlobMissing.
        """
        history = self._tools.history
        async with self._locks.setdefault((place.chat_id, pictures[0].job_id), asyncio.Lock()):
            known = [
                await history.find_post(kind="file", picture_id=picture.id, chat_id=place.chat_id)
                for picture in pictures
            ]
            first = known[0]
            there = first if all(known) else None
            if there is not None and sent_before(there.message_id):
                return True
            if there is not None and (not point or await self.point_to(there, _("The original is here."))):
                return False
            documents = [await self._document(picture) for picture in pictures]
            album: list[Message] = []

            async def send() -> Message:
                album.extend(await self._send(place, documents))
                return album[0]

            sending = Sending(place, _key(pictures), _holding(pictures[0]))
            first_message, fresh = await send_once(self._tools.bot, history, sending, send)
            for number, picture in enumerate(pictures):
                message = album[number] if fresh else first_message if number == 0 else None
                # An album's messages stand one after the other, so that of one that was found all are known.
                await write_down(
                    history,
                    message or (place.chat_id, first_message.message_id + number),
                    kind="file",
                    job_id=picture.job_id,
                    picture_id=picture.id,
                    sending=sending.key,
                )
            there = None if fresh else await history.post(place.chat_id, first_message.message_id)
            if there is not None and point:  # they were sent before a kill, and stand further up
                await self.point_to(there, _("The original is here."))
            return fresh

    async def point_to(self, post: Post, words: str) -> bool:
        """Answers a message of ours with a finger up. False if that message is gone."""
        try:
            await point_to(self._tools.bot, post.chat_id, post.message_id, words)
        except TelegramBadRequest as error:
            if classify(error) is not Refusal.MESSAGE_GONE:
                raise
            await self._tools.history.forget_post(post.chat_id, post.message_id)
            return False
        return True

    async def _send(self, place: Place, documents: Sequence[str | BufferedInputFile]) -> list[Message]:
        """One file, or several as an album."""
        bot, heading = self._tools.bot, place.heading()
        if len(documents) == 1:
            return [await bot.send_document(place.chat_id, documents[0], **heading)]
        media = [InputMediaDocument(media=document) for document in documents]
        return await bot.send_media_group(place.chat_id, media, **heading)  # type: ignore[arg-type]

    async def _document(self, picture: StoredPicture) -> str | BufferedInputFile:
        file_id = await self._tools.history.file_id_of(picture.id, "file")
        if file_id is not None:
            return file_id
        content, suffix = await asyncio.to_thread(lambda: fitted(self._tools.blobs.get(picture.blob)))
        return BufferedInputFile(content, f"{file_name(picture)}.{suffix}")


def _key(pictures: Sequence[StoredPicture]) -> str:
    """Of the same pictures always the same, whoever asks for them again."""
    return f"file:{pictures[0].id}+{len(pictures)}"


def _holding(picture: StoredPicture) -> Callable[[Message], bool]:
    def holds(message: Message) -> bool:
        name = message.document.file_name if message.document is not None else None
        return name is not None and name.rpartition(".")[0] == file_name(picture)

    return holds
