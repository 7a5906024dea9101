"""What happens around every handler, from the outside in: errors, person and language, access, crowds, answers to
presses."""

from __future__ import annotations

from aiogram import Dispatcher

from bot.history import History
from bot.middlewares.access import AccessMiddleware
from bot.middlewares.answers import AnswerMiddleware
from bot.middlewares.crowds import CrowdMiddleware
from bot.middlewares.errors import errors_router
from bot.middlewares.people import PersonMiddleware
from bot.outbox import Outbox
from bot.settings import Settings

__all__ = ["install"]


def install(dispatcher: Dispatcher, *, settings: Settings, history: History, outbox: Outbox) -> None:
    """Puts the middlewares and the error handler of the house into a dispatcher."""
    dispatcher.include_router(errors_router(outbox))
    dispatcher.update.outer_middleware(PersonMiddleware(history))
    dispatcher.update.outer_middleware(AccessMiddleware(settings.allowed_users, settings.admin_ids))
    dispatcher.update.outer_middleware(
        CrowdMiddleware(
            pictures_waiting=settings.pictures_waiting_per_person, messages_waiting=settings.messages_waiting_per_person
        )
    )
    dispatcher.callback_query.outer_middleware(AnswerMiddleware(outbox))
