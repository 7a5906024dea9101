"""Ticks on the buttons that have ordered something; what they stand for is looked up, so that they outlive restarts."""

from __future__ import annotations

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup

from bot.jobs.picture_keys import menu
from bot.jobs.shown import keys_of, keys_of_job, with_ticks
from bot.jobs.studio import Studio
from bot.store import Parent
from bot.telegram.callbacks import BrokenButton, SourceButton, read_button
from bot.telegram.refusals import Refusal, classify


async def tick(studio: Studio, key: str | None, owner_id: int, chat_id: int, message_id: int | None) -> None:
    """Shows in a message what a button under it has ordered. `key` is the button's data; others have no buttons."""
    if message_id is None or key is None:
        return
    try:
        pressed = read_button(key)
    except BrokenButton:  # what was ordered in words has a key of another shape
        return
    mode = studio.modes.of_button(pressed)
    if isinstance(pressed, SourceButton):
        markup = await _of_source(studio, pressed, owner_id, chat_id, message_id)
    elif mode is not None and mode.keyboard is not None:
        markup = await mode.keyboard(studio, pressed, owner_id)
    else:
        return
    try:
        await studio.bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=markup)
    except TelegramBadRequest as gone:  # what was asked about may be deleted before it is answered
        if classify(gone) not in (Refusal.MESSAGE_GONE, Refusal.NOT_MODIFIED):
            raise


async def _of_source(
    studio: Studio, pressed: SourceButton, owner_id: int, chat_id: int, message_id: int
) -> InlineKeyboardMarkup | None:
    card, history, modes = studio.queue.card, studio.history, studio.modes
    if pressed.upload:
        return await with_ticks(history, menu(modes, Parent(upload_id=pressed.upload), card), owner_id)
    picture = await history.picture(pressed.picture)
    if picture is None:
        return None
    action = modes.action(pressed.action)
    if action is not None and "grid" in action.at:
        pictures = await history.pictures_of_job(picture.job_id)
        return await keys_of_job(studio, pictures, chat_id, message_id)
    more = action is not None and "more" in action.at
    return await keys_of(studio, picture, more=more, under=(chat_id, message_id))
