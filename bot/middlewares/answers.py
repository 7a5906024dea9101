"""Every button press gets its answer, in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, TelegramObject

from bot.telegram.outbox import Outbox

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class AnswerMiddleware(BaseMiddleware):
    """Answers a press that its handler has not answered when it ends, or after `patience` seconds of work.

    A handler with something to say answers by itself, before anything else. After an error the error handler answers.
    """

    def __init__(self, outbox: Outbox, patience: float = 2.0) -> None:
        self._outbox = outbox
        self._patience = patience

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if not isinstance(event, CallbackQuery):
            return await handler(event, data)
        under_way = asyncio.Event()
        late = asyncio.create_task(self._answer_late(event, under_way))
        try:
            result = await handler(event, data)
        finally:
            if under_way.is_set():
                await late  # cut short now, it would never arrive: the outbox takes it for sent
            else:
                late.cancel()
        await self._answer(event)
        return result

    async def _answer_late(self, press: CallbackQuery, under_way: asyncio.Event) -> None:
        await asyncio.sleep(self._patience)
        under_way.set()
        await self._answer(press)

    async def _answer(self, press: CallbackQuery) -> None:
        if self._outbox.was_answered(press.id):
            return
        try:
            await press.answer()
        except TelegramAPIError as error:
            log.warning("a button press stays unanswered: %s", error)
