"""The rule for all questions: what a message of ours asks lies at the bottom of the chat, says what it waits for, and
can be dropped. It is answered with or without quoting it (`bot.store.dialogs`), and forgotten when something else is
asked for. In a group nothing counts but an answer to the message: nobody else's words are heard there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup, MaybeInaccessibleMessageUnion, Message

from bot.jobs.gallery import DELETABLE_SECONDS
from bot.jobs.keyboards import button, markup
from bot.jobs.studio import Studio
from bot.store import Draft, DraftKind
from bot.telegram.callbacks import AskedButton
from bot.telegram.refusals import Refusal, classify
from bot.texts.i18n import _


def never_mind(draft: Draft) -> InlineKeyboardMarkup:
    """What stands under a question that is answered in words."""
    return markup([button("✖️ " + _("Never mind"), AskedButton(draft=draft.id))])


def spoken_to(message: Message, kind: DraftKind, dialog: Draft | None) -> Draft | None:
    """The open dialog of whoever writes, if it is of this kind and their message speaks to it without quoting it: in
    private alone."""
    if dialog is None or message.chat.type != "private" or message.reply_to_message is not None:
        return None
    return dialog if dialog.kind == kind and is_newer(message, dialog) else None


def is_newer(message: Message, draft: Draft) -> bool:
    """Whether a message may have to do with a question: an older one that is edited has not. Of others its number says
    nothing, for a question may have been sent once more after its answer."""
    return message.edit_date is None or message.message_id > (draft.asked or draft.message_id or 0)


async def drop(studio: Studio, draft: Draft, pressed: MaybeInaccessibleMessageUnion | None = None) -> None:
    """Ends a dialog for good and takes its messages back, the one that it was `pressed` in among them."""
    stored = await studio.history.sources.draft(draft.id) or draft
    await studio.history.sources.change_draft(draft.id, closed=True)
    shown = (stored.message_id, stored.asked, None if pressed is None else pressed.message_id)
    for message_id in dict.fromkeys(one for one in shown if one is not None):
        await take_back(studio, draft, message_id)


async def take_back(studio: Studio, draft: Draft, message_id: int) -> None:
    """Deletes a message of a dialog; of one too old for that its buttons."""
    if time.time() - draft.created_at >= DELETABLE_SECONDS:
        await take_buttons(studio, draft, message_id)
        return
    with _done_before():
        await studio.bot.delete_message(draft.chat_id, message_id)


async def take_buttons(studio: Studio, draft: Draft, message_id: int) -> None:
    """A message of a dialog stays as it is, without its buttons."""
    with _done_before():
        await studio.bot.edit_message_reply_markup(chat_id=draft.chat_id, message_id=message_id)


@contextmanager
def _done_before() -> Iterator[None]:
    """What is taken away may be gone already: by the person, or by an earlier try of the update in hand."""
    try:
        yield
    except TelegramBadRequest as refused:
        if classify(refused) not in (Refusal.MESSAGE_GONE, Refusal.NOT_MODIFIED):
            raise
