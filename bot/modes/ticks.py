"""Ticks on the buttons that have ordered something; what they stand for is looked up, so that they outlive restarts."""

from __future__ import annotations

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup

from bot.jobs.shown import keys_of, keys_of_job, with_ticks
from bot.jobs.studio import Studio
from bot.modes import buttons as workbench
from bot.modes.repaint import area_buttons
from bot.store import Given, Parent
from bot.telegram.callbacks import FrameButton, SourceButton
from bot.telegram.refusals import Refusal, classify


async def tick(studio: Studio, key: str | None, owner_id: int, chat_id: int, message_id: int | None) -> None:
    """Shows in a message what a button under it has ordered. `key` is the button's data; others have no buttons."""
    kind = key.partition(":")[0] if key is not None else ""
    if message_id is None or key is None:
        return
    if kind == SourceButton.__prefix__:
        markup = await _of_source(studio, SourceButton.unpack(key), owner_id, chat_id)
    elif kind == FrameButton.__prefix__:
        markup = await _of_frame(studio, FrameButton.unpack(key), owner_id)
    else:
        return
    try:
        await studio.bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=markup)
    except TelegramBadRequest as gone:  # what was asked about may be deleted before it is answered
        if classify(gone) not in (Refusal.MESSAGE_GONE, Refusal.NOT_MODIFIED):
            raise


async def _of_source(studio: Studio, pressed: SourceButton, owner_id: int, chat_id: int) -> InlineKeyboardMarkup | None:
    card, history = studio.queue.card, studio.history
    if pressed.upload:
        return await with_ticks(history, workbench.menu(Parent(upload_id=pressed.upload), card), owner_id)
    picture = await history.picture(pressed.picture)
    if picture is None:
        return None
    if pressed.action == "vary":  # the buttons of a grid
        return await keys_of_job(studio, await history.pictures_of_job(picture.job_id), chat_id)
    return await keys_of(studio, picture, more=pressed.action in ("refine", "redraw"))


async def _of_frame(studio: Studio, pressed: FrameButton, owner_id: int) -> InlineKeyboardMarkup | None:
    draft = await studio.history.sources.draft(pressed.draft)
    if draft is None or draft.closed_at is not None:
        return None
    source = Given.model_validate(draft.body["given"]).source
    ways = area_buttons.ways(draft.id, square=source.width != source.height)
    return await with_ticks(studio.history, ways, owner_id)
