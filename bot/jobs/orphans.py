"""Presses on a status message that is not its request's own: a kill between sending and writing it down leaves one."""

from __future__ import annotations

import contextlib

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from bot.jobs import keyboards
from bot.jobs.context import wish_of
from bot.jobs.studio import Studio
from bot.telegram.screen import Screen, point_to, put
from bot.telegram.sending import carrying
from bot.texts import troubles
from bot.texts.i18n import _
from inference.queue.jobs import Job


async def at_home(callback: CallbackQuery, job: Job, studio: Studio) -> bool:
    """Whether the pressed message is where the presser's job lives. A job without a message lives here from now on.

    Other messages (the list of /queue) may carry buttons of a job as well: only a status message has one's home.
    If this one is not it, the message has been rewritten without buttons, the presser pointed to the real one, and
    nothing may be done: whoever presses there does not see what the job has become.
    """
    message = callback.message
    if not isinstance(message, Message) or message.message_id == job.message_id:
        return True
    if not carrying(keyboards.status(job.id))(message):
        return True
    if job.message_id is None:
        if not job.settled:
            await studio.deliveries.adopt(job, message.message_id)
        return True
    await callback.answer(_("Your request is in another message: I point to it."))
    moved = Screen(troubles.moved(wish_of(studio.modes, job), ended=job.settled))
    with contextlib.suppress(TelegramBadRequest):
        changed = await put(studio.bot, message.chat.id, message.message_id, moved)
        if isinstance(changed, Message):
            await point_to(studio.bot, message.chat.id, job.message_id, _("Your request is here."))
    return False
