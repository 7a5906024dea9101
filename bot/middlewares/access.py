"""Who may use the bot."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import Chat, TelegramObject, Update

from bot.history import Person
from bot.i18n import _

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
REFUSAL_LASTS_SECONDS = 24 * 3600.0
_REMEMBERED = 10_000


class AccessMiddleware(BaseMiddleware):
    """Lets through people and groups whose id is on the list; an empty list lets everybody through.

    Others are told so politely, in private, once a day. In groups they hear nothing.
    """

    def __init__(
        self, allowed: frozenset[int], admins: frozenset[int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed = allowed | admins if allowed else frozenset[int]()
        self._clock = clock
        self._refused: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        person: Person = data["person"]
        chat: Chat | None = data.get("event_chat")
        if not self._allowed or person.id in self._allowed or (chat is not None and chat.id in self._allowed):
            return await handler(event, data)
        log.info("person %d is not on the list", person.id)
        if isinstance(event, Update):
            await self._refuse(data["bot"], event, person.id)
        return UNHANDLED

    async def _refuse(self, bot: Bot, update: Update, person_id: int) -> None:
        if update.callback_query is not None:
            await bot.answer_callback_query(
                update.callback_query.id, _("This studio is private, sorry."), show_alert=True
            )
            return
        message = update.message
        if message is None or message.chat.type != "private" or not self._first_time_today(person_id):
            return
        await bot.send_message(
            message.chat.id,
            _(
                "Hello! This studio is private: its owner chooses who draws here.\n"
                "If you know them, send them this number and ask to be let in: <code>{id}</code>"
            ).format(id=person_id),
            parse_mode="HTML",
        )

    def _first_time_today(self, person_id: int) -> bool:
        now = self._clock()
        last = self._refused.get(person_id)
        if last is not None and now - last < REFUSAL_LASTS_SECONDS:
            return False
        self._refused[person_id] = now
        self._refused.move_to_end(person_id)
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        return True
