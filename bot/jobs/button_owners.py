"""Whose a button is. Only what is stored tells: what a press carries is a claim, to be held against it."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import MaybeInaccessibleMessageUnion, Message

from bot.store import DraftKind, History
from bot.telegram.callbacks import (
    AreaButton,
    Button,
    CancelAllButton,
    ExampleButton,
    FileRecipeButton,
    FrameButton,
    JobButton,
    MixButton,
    OrderButton,
    PageButton,
    PictureButton,
    SettingButton,
    SourceButton,
    StyleButton,
    WordsButton,
)
from inference.queue.ledger import Ledger

_KINDS: dict[type[Button], DraftKind] = {
    MixButton: "mix",
    OrderButton: "order",
    AreaButton: "mask",
    FrameButton: "frame",
}
_SHOWN: tuple[DraftKind, ...] = ("mix", "mask")


@dataclass(frozen=True)
class ButtonOwners:
    """Looks owners up; an owner is a person's id, or that of a chat somebody spoke for."""

    history: History
    ledger: Ledger

    async def of(self, button: Button) -> frozenset[int] | None:
        """Everybody that a button takes something from; a press has to be by one who is all of them. Empty: what it was
        for is no longer there, or never was. None: it is for whoever presses it."""
        match button:
            case StyleButton() | ExampleButton() | FileRecipeButton():
                return None
            case SettingButton() | CancelAllButton():
                return frozenset({button.owner})
            case PageButton():
                picture = await self._picture(button.picture)
                return frozenset({button.owner}) | picture if picture or button.action == "turn" else picture
            case JobButton() | WordsButton():
                return await self._job(button.job)
            case PictureButton():
                return await self._picture(button.picture)
            case SourceButton():
                return await (self._picture(button.picture) if button.picture else self._upload(button.upload))
            case MixButton() | OrderButton() | AreaButton() | FrameButton():
                draft = await self.history.sources.draft(button.draft)
                return _only(draft.owner_id if draft is not None and draft.kind == _KINDS[type(button)] else None)

    async def of_message(self, message: MaybeInaccessibleMessageUnion) -> frozenset[int]:
        """Whose a message of ours is, as far as we have written it down."""
        post = await self.history.post(message.chat.id, message.message_id)
        if post is not None and post.job_id is not None:
            return await self._job(post.job_id)
        if post is not None and post.picture_id is not None:
            return await self._picture(post.picture_id)
        for kind in _SHOWN:
            draft = await self.history.sources.draft_of_message(message.chat.id, message.message_id, kind)
            if draft is not None:
                return frozenset({draft.owner_id})
        return frozenset()

    async def _job(self, job_id: int) -> frozenset[int]:
        job = await self.ledger.job(job_id)
        return _only(job.owner_id if job is not None else None)

    async def _picture(self, picture_id: int) -> frozenset[int]:
        picture = await self.history.picture(picture_id)
        return _only(picture.owner_id if picture is not None else None)

    async def _upload(self, upload_id: int) -> frozenset[int]:
        upload = await self.history.sources.upload(upload_id)
        return _only(upload.owner_id if upload is not None else None)


def stands_under(message: Message, data: str | None) -> bool:
    """Whether a message has a button that carries this: a client may as well have made it up."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    return any(key.callback_data == data for row in rows for key in row)


def _only(owner_id: int | None) -> frozenset[int]:
    return frozenset() if owner_id is None else frozenset({owner_id})
