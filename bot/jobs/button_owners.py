"""What a button stands for, and whose that is. Only what is stored tells: what a press carries is a claim, to be held
against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiogram.types import MaybeInaccessibleMessageUnion, Message

from bot.jobs.belonging import standing_in
from bot.store import Given, History, StoredPicture
from bot.telegram.callbacks import (
    ButtonOfJob,
    CancelAllButton,
    DraftButton,
    ExampleButton,
    FileRecipeButton,
    GuideButton,
    KeyButton,
    Ours,
    PageButton,
    PictureButton,
    SettingButton,
    SourceButton,
    StyleButton,
)
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger

_SHOWN = ("mix", "mask", "frame", "page", "kept")  # drafts that stand in a message of their own


@dataclass(frozen=True)
class Found:
    """What a button stands for: `things` by the name that handlers ask for them with.

    `owners` is everybody that the button takes something from, a person's id or that of a chat somebody spoke for; a
    press has to be by one who is all of them. Empty: what it was for is no longer there, or never was. None: it is for
    whoever presses it.
    """

    owners: frozenset[int] | None
    things: Mapping[str, object] = field(default_factory=dict)


GONE = Found(frozenset())


@dataclass(frozen=True)
class ButtonOwners:
    """Looks up what buttons stand for."""

    history: History
    ledger: Ledger

    async def of(self, button: Ours, message: MaybeInaccessibleMessageUnion | None = None) -> Found:
        """What a button under a message stands for."""
        match button:
            case StyleButton() | ExampleButton() | FileRecipeButton() | GuideButton():
                return Found(None)
            case SettingButton() | CancelAllButton():
                return Found(frozenset({button.owner}))
            case KeyButton():
                whose = await self.history.keys.whose(button.number) if button.number else button.owner
                return GONE if whose is None else Found(_only(button.owner) | {whose})
            case PageButton():
                return await self._page(button, message)
            case ButtonOfJob():
                return _job(await self.ledger.job(button.job))
            case PictureButton():
                return _picture(await self.history.picture(button.picture))
            case SourceButton() if button.picture:
                return _picture(await self.history.picture(button.picture))
            case SourceButton():
                upload = await self.history.sources.upload(button.upload)
                return GONE if upload is None else Found(_only(upload.owner_id), {"given": Given.of_upload(upload)})
            case DraftButton():
                draft = await self.history.sources.draft(button.draft)
                if draft is None or not button.fits(draft.kind):
                    return GONE
                return Found(_only(draft.owner_id), {"draft": standing_in(draft, message)})
        raise TypeError(f"nobody knows whose {button!r} is")

    async def of_message(self, message: MaybeInaccessibleMessageUnion) -> frozenset[int]:
        """Whose a message of ours is, as far as we have written it down."""
        post = await self.history.post(message.chat.id, message.message_id)
        if post is not None and post.job_id is not None:
            return _job(await self.ledger.job(post.job_id)).owners or frozenset()
        if post is not None and post.picture_id is not None:
            return _picture(await self.history.picture(post.picture_id)).owners or frozenset()
        for kind in _SHOWN:
            draft = await self.history.sources.draft_of_message(message.chat.id, message.message_id, kind)
            if draft is not None:
                return _only(draft.owner_id)
        return frozenset()

    async def _page(self, button: PageButton, message: MaybeInaccessibleMessageUnion | None) -> Found:
        """A page is its owner's, and so has to be the picture to open in it; in a group it was made there."""
        picture = await self.history.picture(button.picture)
        chat = message.chat if message is not None else None
        shown_here = picture is not None and (chat is None or chat.type == "private" or chat.id == picture.chat_id)
        found = _picture(picture if shown_here else None)
        if not found.owners:
            return Found(_only(button.owner)) if button.action == "turn" else GONE
        return Found(_only(button.owner) | found.owners, found.things)


def stands_under(message: Message, data: str | None) -> bool:
    """Whether a message has a button that carries this: a client may as well have made it up."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    return any(key.callback_data == data for row in rows for key in row)


def _job(job: Job | None) -> Found:
    return GONE if job is None else Found(_only(job.owner_id), {"job": job})


def _picture(picture: StoredPicture | None) -> Found:
    if picture is None:
        return GONE
    return Found(_only(picture.owner_id), {"picture": picture, "given": Given.of_picture(picture)})


def _only(owner_id: int) -> frozenset[int]:
    return frozenset({owner_id})
