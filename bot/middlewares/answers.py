"""Every button press gets its answer, in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, MaybeInaccessibleMessageUnion, Message, TelegramObject

from bot.telegram.outbox import Outbox
from bot.telegram.screen import Place, Screen, send
from bot.texts.html import escape

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


async def reply(bot: Bot, to: MaybeInaccessibleMessageUnion | None, text: str) -> None:
    """Answers a message in HTML, in its topic; nothing where there is none. Raises AiogramError."""
    if to is None:
        return
    topic = to.message_thread_id if isinstance(to, Message) and to.is_topic_message else None
    await send(bot, Place(to.chat.id, to.message_id, topic), Screen(text))


class AnswerMiddleware(BaseMiddleware):
    """Answers a press that its handler has not answered when it ends, or after `patience` seconds of work.

    A handler with something to say answers by itself, before anything else; an alert that comes too late for one is a
    message. After an error the error handler answers.
    """

    def __init__(self, outbox: Outbox, patience: float = 2.0) -> None:
        self._outbox = outbox
        self._patience = patience
        self._in_hand: dict[str, CallbackQuery] = {}
        outbox.on_late = self._say_late

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if not isinstance(event, CallbackQuery):
            return await handler(event, data)
        under_way = asyncio.Event()
        late = asyncio.create_task(self._answer_late(event, under_way))
        self._in_hand[event.id] = event
        try:
            result = await handler(event, data)
        finally:
            del self._in_hand[event.id]
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

    async def _say_late(self, callback_query_id: str, text: str) -> None:
        press = self._in_hand.get(callback_query_id)
        if press is None or press.bot is None:
            log.warning("an alert comes too late and finds nobody: %s", text)
            return
        try:
            await reply(press.bot, press.message, escape(text))
        except TelegramAPIError as error:
            log.warning("an alert comes too late, and no message in its place: %s", error)

    async def _answer(self, press: CallbackQuery) -> None:
        if self._outbox.was_answered(press.id):
            return
        try:
            await press.answer()
        except TelegramAPIError as error:
            log.warning("a button press stays unanswered: %s", error)
