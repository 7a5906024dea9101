"""What becomes of an error that leaves a handler: a person reads what it tells, or an id under which it is logged."""

from __future__ import annotations

import contextlib
import html as entities
import logging
import re
import secrets
from collections.abc import Callable

from aiogram import Bot, Router
from aiogram.exceptions import AiogramError, TelegramAPIError
from aiogram.types import CallbackQuery, ErrorEvent, User

from bot.jobs import elsewhere
from bot.jobs.refusals import REFUSALS, told
from bot.jobs.studio import Studio
from bot.middlewares.answers import reply
from bot.store import Person
from bot.telegram.apology import insist
from bot.telegram.outbox import Outbox
from bot.telegram.refusals import NOT_HERE, Refusal, classify
from bot.telegram.screen import Place, Screen, send
from bot.telegram.senders import message_of
from bot.texts import troubles
from bot.texts.i18n import _, speaking
from bot.texts.languages import language_for
from bot.troubles import Cause, cause_of, reason_of

log = logging.getLogger(__name__)

ALERT_CHARS = 200

# The person has gone, deleted the message or pressed too late: nothing to repair, nobody to tell.
_NOBODY_TO_TELL = frozenset(
    {Refusal.NOT_MODIFIED, Refusal.MESSAGE_GONE, Refusal.QUERY_TOO_OLD, Refusal.BLOCKED, Refusal.CHAT_GONE}
)


def errors_router(studio: Studio, outbox: Outbox, tell_owner: Callable[[Cause, str], None] | None = None) -> Router:
    """Refusals are told in the person's language; the rest is logged under a short id that the person is told.

    Where the studio itself is out of order, the person reads that and `tell_owner(cause, reason)` is called.
    """
    router = Router(name="errors")

    @router.errors()
    async def on_error(
        event: ErrorEvent, bot: Bot, person: Person | None = None, event_from_user: User | None = None
    ) -> bool:
        error = event.exception
        language = (
            person.language if person else language_for(event_from_user.language_code if event_from_user else None)
        )
        if isinstance(error, AiogramError) and classify(error) in _NOBODY_TO_TELL:
            log.info("update %d: %s", event.update.update_id, error)
            await _end_press(bot, outbox, event.update.callback_query)
            return True
        with speaking(language):
            if isinstance(error, TelegramAPIError) and classify(error) in NOT_HERE:
                log.info("update %d: %s", event.update.update_id, error)
                await _tell_around(bot, outbox, event, elsewhere.lack_of(error), event_from_user)
                return True
            if isinstance(error, REFUSALS):
                text = told(studio.modes, error)
            elif (cause := cause_of(error)) is not None:
                log.error("update %d failed for want of the %s", event.update.update_id, cause, exc_info=error)
                if tell_owner is not None:
                    tell_owner(cause, reason_of(error))
                text = troubles.refused(cause)
            else:
                error_id = secrets.token_hex(3)
                log.error(
                    "update %d failed, error id %s",
                    event.update.update_id,
                    error_id,
                    exc_info=error,
                    extra={"told": True},
                )
                text = _(
                    "Something went wrong on our side, and nothing was drawn. Please try again in a minute. "
                    "If it happens again, tell the owner this number: <code>{id}</code>"
                ).format(id=error_id)
            await _tell(bot, outbox, event, text)
        return True

    return router


async def _tell(bot: Bot, outbox: Outbox, event: ErrorEvent, text: str) -> None:
    """In an alert where a button was pressed and the text fits, else as a reply."""
    press = event.update.callback_query
    try:
        if press is not None and not outbox.was_answered(press.id):
            plain = _without_tags(text)
            if len(plain) <= ALERT_CHARS:
                await bot.answer_callback_query(press.id, plain, show_alert=True)
                return
            await bot.answer_callback_query(press.id)
        pressed = None if press is None else press.message
        await insist(lambda: reply(bot, message_of(event.update) or pressed, text))
    except AiogramError as unheard:
        log.warning("update %d: the person could not be told: %s", event.update.update_id, unheard)


async def _tell_around(bot: Bot, outbox: Outbox, event: ErrorEvent, lack: elsewhere.Lack, sender: User | None) -> None:
    """What the chat does not take is said as it can be: in an alert, in words for pictures, in private for words."""
    press = event.update.callback_query
    if lack != "words" or (press is not None and not outbox.was_answered(press.id)):
        await _tell(bot, outbox, event, elsewhere.not_here(lack))
    elif sender is not None:
        try:
            await send(bot, Place(sender.id), Screen(elsewhere.unanswered()))
        except AiogramError as unheard:
            log.info("update %d: the person could not be told: %s", event.update.update_id, unheard)


async def _end_press(bot: Bot, outbox: Outbox, press: CallbackQuery | None) -> None:
    """The button stops turning, whoever is there to see it."""
    if press is not None and not outbox.was_answered(press.id):
        with contextlib.suppress(AiogramError):
            await bot.answer_callback_query(press.id)


def _without_tags(html: str) -> str:
    return entities.unescape(re.sub(r"<[^>]+>", "", html))
