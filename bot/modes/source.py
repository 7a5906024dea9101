"""The picture that a message carries or answers, fetched and made safe to work from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Document, Message, PhotoSize, Sticker

from bot.imaging.decoder import Kept
from bot.imaging.decoding import PictureRefused
from bot.jobs import pages
from bot.jobs.belonging import post_of
from bot.jobs.studio import Studio
from bot.prompt import PromptError
from bot.store import Given, Post, StoredPicture
from bot.telegram.fetching import MAX_DOWNLOAD, CutOff, FileTooBig
from bot.telegram.screen import Place, Screen, send
from bot.telegram.turns import LineFull
from bot.texts.i18n import _
from inference.blobs import BlobMissing

PICTURE_SUFFIXES = re.compile(
    r"\.(png|apng|jpe?g|jfif|webp|hei[cf]|tiff?|gif|bmp|avif|svg|psd|raw|dng)$", re.IGNORECASE
)


class NoPicture(PromptError):
    """Something is to be done with a picture, and there is none."""

    def told(self) -> str:
        return _("Which picture? Reply to one with this command, or send one with the command as its caption.")


class TooManyPictures(PromptError):
    """More pictures of one person are being looked at than are kept waiting."""

    def told(self) -> str:
        return _("I am still busy with other pictures of yours. Please send this one again in a moment.")


class WhichPicture(PromptError):
    """The answered message shows several pictures, and no number says which one is meant; `command` is what was asked
    for."""

    def __init__(self, count: int, command: str = "vary") -> None:
        super().__init__(f"one of {count}")
        self.count = count
        self.command = command

    def told(self) -> str:
        text = _("There are {n} pictures: say which one, for example <code>/{command} 2</code>.")
        return text.format(n=self.count, command=self.command)


@dataclass(frozen=True)
class Attached:
    """A file of a message that is, or claims to be, a picture."""

    file: PhotoSize | Document | Sticker

    @property
    def size(self) -> int:
        return self.file.file_size or 0


def attached(message: Message) -> Attached | None:
    """The picture that a message carries; None where it carries no file. Raises PictureRefused for moving ones, and for
    files that are none."""
    if message.photo:
        return Attached(message.photo[-1])
    if message.animation is not None or message.video is not None or message.video_note is not None:
        raise PictureRefused("animated")
    if message.sticker is not None:
        if message.sticker.is_animated or message.sticker.is_video:
            raise PictureRefused("animated")
        return Attached(message.sticker)
    if message.document is None:
        return None
    if not looks_like_picture(message.document):
        raise PictureRefused("not_an_image")
    return Attached(message.document)


def carries_picture(message: Message) -> bool:
    """Whether a message carries something to be looked at as a picture, even if it will have to be refused."""
    document = message.document
    return bool(message.photo) or (document is not None and message.animation is None and looks_like_picture(document))


def looks_like_picture(document: Document) -> bool:
    named_so = PICTURE_SUFFIXES.search(document.file_name or "") is not None
    return named_so or (document.mime_type or "").startswith("image/")


async def read(studio: Studio, message: Message, owner_id: int) -> Given:
    """Fetches and stores the picture of a message, once per file and person. Raises PictureRefused."""
    found = attached(message)
    if found is None:
        raise PictureRefused("not_an_image")
    unique = found.file.file_unique_id
    known = await studio.history.sources.upload_of_file(owner_id, unique)
    if known is not None and await asyncio.to_thread(studio.blobs.exists, known.blob):
        await studio.history.sources.renew_upload(known.id)
        return Given.of_upload(known)
    await studio.room.make(owner_id, min(found.size, MAX_DOWNLOAD))
    try:
        async with studio.files.fetched(found.file, owner_id) as path:
            kept = await _kept(studio, path, owner_id)
    except FileTooBig as too_big:
        size = f"{found.size / 1e6:.0f}" if found.size > MAX_DOWNLOAD else "20+"
        raise PictureRefused("too_big_a_file", size) from too_big
    except TelegramBadRequest as refused:
        if "too big" in str(refused).lower():
            raise PictureRefused("too_big_a_file", "20+") from refused
        raise
    except CutOff as cut:
        raise PictureRefused("broken") from cut
    except LineFull as full:
        raise TooManyPictures from full
    if kept.moving:
        topic = message.message_thread_id if message.is_topic_message else None
        words = "🎞 " + _("This one moves, and I work from still pictures: I take its first frame.")
        await send(studio.bot, Place(message.chat.id, message.message_id, topic), Screen(words))
    stored = await asyncio.to_thread(studio.blobs.size, kept.source.blob)
    return await studio.history.sources.add_upload(
        owner_id, message.chat.id, message.message_id, kept.source, unique, size=stored
    )


async def _kept(studio: Studio, path: Path, owner_id: int) -> Kept:
    """The picture of a file on disk, checked and stored. Raises PictureRefused, LineFull."""
    async with studio.looks.turn(owner_id):
        return await studio.decoder.kept(path)


async def signatures(studio: Studio, owner_id: int, blobs: Collection[str]) -> dict[str, bytes]:
    """Those of stored pictures, each worked out once; not of what cannot be opened now. Raises TooManyPictures."""
    kept = studio.history.signatures
    known = await kept.known(owner_id, blobs)
    missing = [blob for blob in blobs if blob not in known]

    async def signed(blob: str) -> bytes | None:
        try:
            return await studio.decoder.signature(blob)
        except (BlobMissing, PictureRefused):
            return None

    fresh: dict[str, bytes] = {}
    if missing:
        try:
            async with studio.looks.turn(owner_id):
                found = await asyncio.gather(*map(signed, missing))
        except LineFull as full:
            raise TooManyPictures from full
        fresh = {blob: levels for blob, levels in zip(missing, found, strict=True) if levels is not None}
    await kept.keep(owner_id, fresh, used=known)
    return known | fresh


async def answered(studio: Studio, message: Message, owner_id: int, number: int | None = None) -> Given | None:
    """The picture that a message answers: ours as we drew it, anybody else's fetched. None where it answers none.

    `number` chooses among several. Raises WhichPicture, and PictureRefused, also where the message that answers nothing
    brings a file that cannot be worked from.
    """
    asked = message.reply_to_message
    if asked is None:
        attached(message)
        return None
    post = await post_of(studio.history, asked) or await _forwarded(studio, asked, owner_id)
    if post is not None and post.kind == "page":
        page = await pages.shown(studio.history.sources, asked.chat.id, asked.message_id)
        opened = await studio.history.picture(page.picture) if page.picture is not None else None
        if opened is not None:
            return Given.of_picture(opened)
    if post is not None and post.kind in ("grid", "single", "file"):
        picture = await _drawn(studio, post, number)
        if picture is not None:
            return Given.of_picture(picture)
    return await read(studio, asked, owner_id) if attached(asked) is not None else None


async def _drawn(studio: Studio, post: Post, number: int | None) -> StoredPicture | None:
    if post.picture_id is not None:
        return await studio.history.picture(post.picture_id)
    pictures = await studio.history.pictures_of_job(post.job_id) if post.job_id is not None else []
    if len(pictures) == 1:
        return pictures[0]
    if not pictures:
        return None
    chosen = next((picture for picture in pictures if number is not None and picture.tile == number - 1), None)
    if chosen is None:
        raise WhichPicture(len(pictures))
    return chosen


async def _forwarded(studio: Studio, message: Message, owner_id: int) -> Post | None:
    """The post of the asker's own picture that this message shows once more: a forwarded file keeps its id."""
    found = attached(message)
    post = await studio.history.post_of_file(found.file.file_unique_id) if found is not None else None
    if post is None or post.picture_id is None:
        return None
    picture = await studio.history.picture(post.picture_id)
    return post if picture is not None and picture.owner_id == owner_id else None
