"""Who may use the bot."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import CallbackQuery, Chat, TelegramObject, Update

from bot.jobs.button_owners import ButtonOwners
from bot.jobs.studio import Studio
from bot.middlewares.presses import found_by_press, may_act_for
from bot.telegram.administrators import Administrators
from bot.telegram.callbacks import BrokenButton, read_button
from bot.telegram.screen import Place, Screen, send
from bot.telegram.senders import Sender
from bot.texts.i18n import _, speaking
from inference.queue.recent import Recent

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
REFUSAL_LASTS_SECONDS = 24 * 3600.0
_REMEMBERED = 10_000


class AccessMiddleware(BaseMiddleware):
    """Lets through people and chats whose id is on the list; an empty list lets everybody through.

    Others are told so politely, in private, once a day. In groups they hear nothing. Nothing is written down of them.
    """

    def __init__(
        self,
        allowed: frozenset[int],
        admins: frozenset[int],
        studio: Studio,
        administrators: Administrators,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed | admins if allowed else frozenset[int]()
        self._studio = studio
        self._administrators = administrators
        self._clock = clock
        self._refused: Recent[int, float] = Recent(_REMEMBERED)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        sender: Sender = data["sender"]
        chat: Chat | None = data.get("event_chat")
        if not self._allowed or sender.id in self._allowed or (chat is not None and chat.id in self._allowed):
            return await handler(event, data)
        assert isinstance(event, Update)
        if event.callback_query is not None and await self._acts_for_listed(event.callback_query, data):
            return await handler(event, data)
        log.info("person %d is not on the list", sender.id)
        with speaking(await self._studio.history.language(sender.id, sender.client_language)):
            await self._refuse(data["bot"], event, sender.id)
        return UNHANDLED

    async def _acts_for_listed(self, press: CallbackQuery, data: dict[str, Any]) -> bool:
        """Whether somebody presses a button of a listed chat that they speak for, in a group that is not listed."""
        try:
            button = read_button(press.data)
        except BrokenButton:
            return False
        found = await found_by_press(press, button, ButtonOwners(self._studio.history, self._studio.ledger))
        owners = found.owners
        if not owners or not owners <= self._allowed:
            return False
        return bool(await may_act_for(self._administrators, data["bot"], press, owners))

    async def _refuse(self, bot: Bot, update: Update, person_id: int) -> None:
        if update.callback_query is not None:
            await bot.answer_callback_query(
                update.callback_query.id, _("This studio is private, sorry."), show_alert=True
            )
            return
        message = update.message
        if message is None or message.chat.type != "private" or not self._first_time_today(person_id):
            return
        text = _(
            "Hello! This studio is private: its owner chooses who draws here.\n"
            "If you know them, send them this number and ask to be let in: <code>{id}</code>"
        ).format(id=person_id)
        await send(bot, Place(message.chat.id), Screen(text))

    def _first_time_today(self, person_id: int) -> bool:
        now = self._clock()
        last = self._refused.get(person_id)
        if last is not None and now - last < REFUSAL_LASTS_SECONDS:
            return False
        self._refused[person_id] = now
        return True
