"""What happens around every handler, from the outside in: errors, who it is and whether they may come in, their
language, crowds, answers to presses, whose button is pressed, which question is open, and what is said besides."""

from __future__ import annotations

from collections.abc import Callable

from aiogram import Dispatcher

from bot.jobs.studio import Studio
from bot.middlewares.access import AccessMiddleware
from bot.middlewares.answers import AnswerMiddleware
from bot.middlewares.crowds import CrowdMiddleware
from bot.middlewares.dialogs import DialogMiddleware, InterruptionMiddleware
from bot.middlewares.errors import errors_router
from bot.middlewares.origins import OriginMiddleware
from bot.middlewares.people import PersonMiddleware
from bot.middlewares.presses import PressMiddleware
from bot.middlewares.senders import SenderMiddleware
from bot.settings import Settings
from bot.telegram.administrators import Administrators
from bot.telegram.outbox import Outbox
from bot.troubles import Cause

__all__ = ["install"]


def install(
    dispatcher: Dispatcher,
    *,
    settings: Settings,
    studio: Studio,
    outbox: Outbox,
    tell_owner: Callable[[Cause, str], None] | None = None,
) -> None:
    """Puts the middlewares and the error handler of the house into a dispatcher; `tell_owner` as `Notices.tell`."""
    dispatcher.include_router(errors_router(studio, outbox, tell_owner))
    administrators = Administrators()
    dispatcher.update.outer_middleware(SenderMiddleware())
    dispatcher.update.outer_middleware(
        AccessMiddleware(settings.allowed_users, settings.admin_ids, studio, administrators)
    )
    dispatcher.update.outer_middleware(PersonMiddleware(studio.history))
    dispatcher.update.outer_middleware(
        CrowdMiddleware(
            pictures_waiting=settings.pictures_waiting_per_person, messages_waiting=settings.messages_waiting_per_person
        )
    )
    dispatcher.callback_query.outer_middleware(AnswerMiddleware(outbox))
    dispatcher.callback_query.outer_middleware(PressMiddleware(studio, administrators))
    for observer in (dispatcher.message, dispatcher.edited_message):
        observer.outer_middleware(DialogMiddleware(studio))
    for observer in (dispatcher.message, dispatcher.edited_message, dispatcher.callback_query):
        observer.middleware(OriginMiddleware())
    dispatcher.message.middleware(InterruptionMiddleware(studio))
