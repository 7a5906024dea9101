"""Originals as files, each posted once to a chat however often it is asked for."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputMediaDocument, Message, ReplyParameters
from PIL import Image

from bot.jobs.belonging import file_name
from bot.jobs.origin import Origin
from bot.store import History, Post, StoredPicture
from bot.store.handling import sent_before
from bot.telegram.refusals import Refusal, classify
from bot.telegram.sending import Sending, send_once
from bot.texts.i18n import _
from inference.blobs import BlobStore

MAX_DOCUMENT_BYTES = 50_000_000
MAX_WEBP_SIDE = 16_383
SHOWN_SIDE = 2560  # a photo shows no more of a picture than this


@dataclass(frozen=True)
class Place:
    """Where to post: in answer to which message of which chat."""

    chat_id: int
    answer_to: int | None
    thread: int | None = None

    @classmethod
    def of(cls, origin: Origin) -> Place:
        """Where somebody asked."""
        return cls(origin.chat_id, origin.reply_to, origin.thread)

    @property
    def quiet(self) -> bool:
        """In groups nobody's telephone rings for somebody else's picture."""
        return self.chat_id < 0


def is_more_than_a_photo(picture: StoredPicture) -> bool:
    """Whether a photo in a chat shows less than there is, so that the file belongs to the result."""
    return max(picture.width, picture.height) > SHOWN_SIDE


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

    def __init__(self, *, bot: Bot, history: History, blobs: BlobStore) -> None:
        self._bot = bot
        self._history = history
        self._blobs = blobs
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def post(self, pictures: list[StoredPicture], place: Place, *, point: bool = True) -> bool:
        """Posts originals, two and more as one album; where all were posted before, points to them if `point`.

        True if they were posted now. Raises BlobMissing.
        """
        async with self._locks.setdefault((place.chat_id, pictures[0].job_id), asyncio.Lock()):
            known = [
                await self._history.find_post(kind="file", picture_id=picture.id, chat_id=place.chat_id)
                for picture in pictures
            ]
            first = known[0]
            there = first if all(known) else None
            if there is not None and sent_before(there.message_id):
                return True
            if there is not None and (not point or await self.point_to(there, _("The original is here."))):
                return False
            documents = [await self._document(picture) for picture in pictures]
            common = {
                "reply_parameters": _reply_to(place.answer_to),
                "message_thread_id": place.thread,
                "disable_notification": place.quiet,
            }
            album: list[Message] = []

            async def send() -> Message:
                if len(documents) == 1:
                    album.append(await self._bot.send_document(place.chat_id, documents[0], **common))  # type: ignore[arg-type]
                else:
                    media = [InputMediaDocument(media=document) for document in documents]
                    album.extend(await self._bot.send_media_group(place.chat_id, media, **common))  # type: ignore[arg-type]
                return album[0]

            sending = Sending(place.chat_id, _key(pictures), _holding(pictures[0]), place.answer_to, place.thread)
            first_message, fresh = await send_once(self._bot, self._history, sending, send)
            for number, picture in enumerate(pictures):
                message = album[number] if fresh else first_message if number == 0 else None
                # An album's messages stand one after the other, so that of one that was found all are known.
                await self._remember(picture, place.chat_id, first_message.message_id + number, message, sending.key)
            there = None if fresh else await self._history.post(place.chat_id, first_message.message_id)
            if there is not None and point:  # they were sent before a kill, and stand further up
                await self.point_to(there, _("The original is here."))
            return fresh

    async def point_to(self, post: Post, words: str) -> bool:
        """Answers a message of ours with a finger up. False if that message is gone."""
        there = ReplyParameters(message_id=post.message_id)
        try:
            await self._bot.send_message(post.chat_id, f"👆 {words}", reply_parameters=there, disable_notification=True)
        except TelegramBadRequest as error:
            if classify(error) is not Refusal.MESSAGE_GONE:
                raise
            await self._history.forget_post(post.chat_id, post.message_id)
            return False
        return True

    async def _document(self, picture: StoredPicture) -> str | BufferedInputFile:
        file_id = await self._history.file_id_of(picture.id, "file")
        if file_id is not None:
            return file_id
        content, suffix = await asyncio.to_thread(lambda: fitted(self._blobs.get(picture.blob)))
        return BufferedInputFile(content, f"{file_name(picture)}.{suffix}")

    async def _remember(
        self, picture: StoredPicture, chat_id: int, message_id: int, message: Message | None, sending: str
    ) -> None:
        document = message.document if message is not None else None
        await self._history.add_post(
            chat_id if message is None else message.chat.id,
            message_id if message is None else message.message_id,
            job_id=picture.job_id,
            picture_id=picture.id,
            kind="file",
            file_id=document.file_id if document else None,
            file_unique_id=document.file_unique_id if document else None,
            sending=sending,
        )


def _key(pictures: Sequence[StoredPicture]) -> str:
    """Of the same pictures always the same, whoever asks for them again."""
    return f"file:{pictures[0].id}+{len(pictures)}"


def _holding(picture: StoredPicture) -> Callable[[Message], bool]:
    def holds(message: Message) -> bool:
        name = message.document.file_name if message.document is not None else None
        return name is not None and name.rpartition(".")[0] == file_name(picture)

    return holds


def _reply_to(message_id: int | None) -> ReplyParameters | None:
    return None if message_id is None else ReplyParameters(message_id=message_id, allow_sending_without_reply=True)
