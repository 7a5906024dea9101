"""What a message of ours belongs to: as it is written down, or else as the message itself tells.

An answer or a press may come before the send of the message has returned, and after a crash its number may never be
written down. But whoever answers a message shows it to us as Telegram has it, and what it stands for was stored before
it was sent: its buttons carry the ids, a file its name, and the words of a question are noted in its draft.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import replace
from html import unescape

from aiogram.types import Document, MaybeInaccessibleMessageUnion, Message, PhotoSize

from bot.store import Draft, DraftKind, History, Post, PostKind, Sources, StoredPicture
from bot.telegram.callbacks import (
    BrokenButton,
    ButtonOfJob,
    DraftButton,
    Ours,
    PictureButton,
    SourceButton,
    read_button,
)

_FILE = re.compile(r"kandinsky-(?P<job>\d{1,18})-(?P<number>\d{1,3})(?:\.\w+)?")


async def post_of(history: History, message: MaybeInaccessibleMessageUnion) -> Post | None:
    """What a message of ours shows; None where it shows neither a job nor a picture, or is not ours.

    A status message that has just become a result is one as soon as anybody sees it.
    """
    known = await history.post(message.chat.id, message.message_id)
    if (known is not None and known.kind != "status") or not isinstance(message, Message) or not is_ours(message):
        return known
    told = await _told(history, message)
    return told if known is None or (told is not None and told.kind != "status") else known


async def write_down(
    history: History,
    message: Message | tuple[int, int],
    *,
    kind: PostKind,
    job_id: int,
    picture_id: int | None = None,
    sending: str | None = None,
) -> None:
    """Writes down what a message of ours shows, and its file, which can be sent again; of a message that Telegram does
    not show only its chat and id are known. `sending` is the key that it was sent by."""
    file = _file_of(message) if isinstance(message, Message) else None
    chat_id, message_id = (message.chat.id, message.message_id) if isinstance(message, Message) else message
    await history.add_post(
        chat_id,
        message_id,
        job_id=job_id,
        picture_id=picture_id,
        kind=kind,
        file_id=file.file_id if file is not None else None,
        file_unique_id=file.file_unique_id if file is not None else None,
        sending=sending,
    )


async def learn(history: History, message: MaybeInaccessibleMessageUnion) -> None:
    """Writes down what a message of ours shows, where that has not been done yet."""
    told = await post_of(history, message)
    if told is not None and told != await history.post(message.chat.id, message.message_id):
        await history.add_post(
            told.chat_id,
            told.message_id,
            job_id=told.job_id,
            kind=told.kind,
            picture_id=told.picture_id,
            file_id=told.file_id,
            file_unique_id=told.file_unique_id,
        )


async def draft_shown(sources: Sources, message: Message, kind: DraftKind) -> Draft | None:
    """The draft of this kind, of whomever, that stands in a message of ours."""
    known = await sources.draft_of_message(message.chat.id, message.message_id, kind)
    if known is not None or not is_ours(message):
        return known
    for button in _buttons(message):
        if isinstance(button, DraftButton) and button.fits(kind):
            draft = await sources.draft(button.draft)
            return draft if draft is not None and draft.kind == kind else None
    return None


async def draft_asked_about(sources: Sources, message: Message, kind: DraftKind, owner_id: int) -> Draft | None:
    """The open draft of this kind and owner whose question a message of ours asks, be its number known or not."""
    if not is_ours(message) or message.text is None or message.reply_markup is not None:
        return None
    asking = await sources.asking(owner_id, message.chat.id, kind)
    for draft in asking:
        if draft.asked == message.message_id:
            return draft
    same = [draft for draft in asking if draft.body.get("question") == fingerprint(message.text)]
    unknown = [draft for draft in same if draft.asked is None]
    asked_again = [draft for draft in same if draft.asked is not None and draft.asked > message.message_id]
    # One question of a person is sent at a time, so the oldest is the one that a kill has left, or the one on its way.
    return min(unknown, key=lambda draft: draft.id, default=None) or min(
        asked_again, key=lambda draft: draft.asked or 0, default=None
    )


def standing_in(draft: Draft, message: MaybeInaccessibleMessageUnion | None) -> Draft:
    """The draft in the message under which it is pressed, where that is newer than what is written down."""
    if message is None or message.chat.id != draft.chat_id or message.message_id <= (draft.message_id or 0):
        return draft
    return replace(draft, message_id=message.message_id)


def is_ours(message: Message) -> bool:
    """Whether the bot has written a message, so that what it carries can be believed."""
    return message.from_user is not None and message.bot is not None and message.from_user.id == message.bot.id


def fingerprint(text: str) -> str:
    """Equal for texts that read the same."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def plain(html: str) -> str:
    """What is read of HTML of ours."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def file_name(picture: StoredPicture) -> str:
    """What the file of a picture is called, less its suffix; `post_of` reads it back."""
    return f"kandinsky-{picture.job_id}-{picture.tile + 1}"


async def _told(history: History, message: Message) -> Post | None:
    """What a message shows by its buttons, or by the name of its file."""
    for button in _buttons(message):
        if button.shows is not None and isinstance(button, ButtonOfJob):
            return _post(message, button.shows, button.job)
        if button.shows is not None and isinstance(button, PictureButton | SourceButton):
            picture = await history.picture(button.picture)
            return _post(message, "single", picture.job_id, picture.id) if picture is not None else None
    named = _FILE.fullmatch(message.document.file_name or "") if message.document is not None else None
    for picture in await history.pictures_of_job(int(named["job"])) if named is not None else ():
        if named is not None and picture.tile + 1 == int(named["number"]):
            return _post(message, "file", picture.job_id, picture.id)
    return None


def _post(message: Message, kind: PostKind, job_id: int, picture_id: int | None = None) -> Post:
    file = _file_of(message)
    return Post(
        chat_id=message.chat.id,
        message_id=message.message_id,
        job_id=job_id,
        picture_id=picture_id,
        kind=kind,
        file_id=file.file_id if file is not None else None,
        file_unique_id=file.file_unique_id if file is not None else None,
        created_at=message.date.timestamp(),
    )


def _file_of(message: Message) -> Document | PhotoSize | None:
    return message.document or (message.photo[-1] if message.photo else None)


def _buttons(message: Message) -> list[Ours]:
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    found = []
    for key in (key for row in rows for key in row):
        with contextlib.suppress(BrokenButton):
            found.append(read_button(key.callback_data))
    return found
