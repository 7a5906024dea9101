"""What passes through the middlewares of aiogram and the door for programs, counted on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import ClientDecodeError, TelegramAPIError, TelegramRetryAfter
from aiogram.methods import TelegramMethod
from aiogram.types import TelegramObject, Update
from aiogram.types.update import UpdateTypeLookupError

from bot.door.opening import Answered
from bot.metrics.names import Counted
from bot.telegram.refusals import classify

UNKNOWN = "unknown"


class CountCalls(BaseRequestMiddleware):
    """The innermost of a session's middlewares: each try counts, and nothing that was answered without a call."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        try:
            result = await make_request(bot, method)
        except BaseException as error:
            if isinstance(error, TelegramRetryAfter):
                self._counted.retry_after.observe(error.retry_after)
            self._counted.calls.labels(method.__api_method__, _outcome(error)).inc()
            raise
        self._counted.calls.labels(method.__api_method__, "ok").inc()
        return result


class CountUpdates(BaseMiddleware):
    """The outermost around every update: what it is, and how long all that is done about it takes."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        self._counted.updates.labels(_type_of(event)).inc()
        began = time.perf_counter()
        try:
            return await handler(event, data)
        finally:
            self._counted.handling.observe(time.perf_counter() - began)


def count_answer(counted: Counted, answered: Answered) -> None:
    """A request of a program is over; `gone` is the status of one whose client has not waited for it."""
    status = "gone" if answered.status is None else f"{answered.status // 100}xx"
    counted.requests.labels(answered.route, status).inc()
    counted.answering.labels(answered.route).observe(answered.seconds)
    if answered.refused is not None:
        counted.refusals.labels(answered.refused).inc()


def _outcome(error: BaseException) -> str:
    if isinstance(error, TelegramAPIError | ClientDecodeError):
        return classify(error).name.lower()
    return "given_up" if isinstance(error, asyncio.CancelledError) else "error"


def _type_of(event: TelegramObject) -> str:
    """One of those that aiogram knows."""
    try:
        return event.event_type if isinstance(event, Update) else UNKNOWN
    except UpdateTypeLookupError:
        return UNKNOWN
