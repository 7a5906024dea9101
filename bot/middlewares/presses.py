"""The one door for button presses: what comes through is whole, stands where it should, and is by whom it may be."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message, TelegramObject

from bot.jobs.button_owners import GONE, ButtonOwners, Found, stands_under
from bot.jobs.ownership import gone
from bot.jobs.studio import Studio
from bot.store import Draft, Person, StoredPicture
from bot.telegram.administrators import Administrators
from bot.telegram.callbacks import MOST_ID, BrokenButton, DraftButton, Ours, read_button
from bot.telegram.refusals import is_other_form
from bot.texts.i18n import _, speaking
from inference.queue.jobs import Job

log = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class PressMiddleware(BaseMiddleware):
    """Lets a press through whose data is a button of ours, under the message that has it, and the presser's own, that
    of a chat whose administrator they are, or one for everybody in a group. All others are answered and go no further.

    What the button stands for is among the handler's arguments: `picture`, `given`, `job` or `draft`. `person` becomes
    whoever owns it, and stays the presser where it is for everybody: what handlers do, they do for them. So none has to
    ask whether it is still there, and only those of buttons for everybody whose it is.
    Equal presses are handled one after the other.
    """

    def __init__(self, studio: Studio, administrators: Administrators) -> None:
        self._studio = studio
        self._administrators = administrators

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, CallbackQuery)
        try:
            button = read_button(event.data)
        except BrokenButton:
            return await self._broken(event)
        message = event.message
        if message is None or not _is_ours(event):
            return await self._broken(event)
        async with self._studio.one_press(button.lock(message.chat.id, message.message_id)):
            found = await found_by_press(event, button, ButtonOwners(self._studio.history, self._studio.ledger))
            owner = await self._owner(event, button, found, data)
            if owner is None or await _is_over(event, button, found):
                return None
            try:
                with speaking(owner.language):
                    return await handler(event, {**data, "person": owner, **found.things})
            except TelegramBadRequest as refused:
                if not is_other_form(refused):
                    raise
                return await self._broken(event)  # made up, where nothing told us what is in the message

    async def _owner(self, press: CallbackQuery, button: Ours, found: Found, data: dict[str, Any]) -> Person | None:
        """For whom a press is made; None, and the presser has been told, where they may not make it."""
        presser: Person = data["person"]
        owners = found.owners
        if owners is None or owners == {presser.id}:
            return presser
        if not owners:
            await gone(press)
            return None
        if button.for_everybody and await self._is_shared(press, found):
            return presser
        verdict = await may_act_for(self._administrators, data["bot"], press, owners)
        if verdict:
            (chat_id,) = owners
            return await self._studio.history.person(chat_id, None)
        if verdict is None:
            text = _(
                "This belongs to the chat, and Telegram does not tell me who its administrators are. "
                "Add me to it, and try again in a minute."
            )
        else:
            text = _(button.foreign)
        await press.answer(text, show_alert=True)
        return None

    async def _is_shared(self, press: CallbackQuery, found: Found) -> bool:
        """Whether what a button stands for was made in the group where it is pressed, by somebody who shares it."""
        made = found.things.get("job") or found.things.get("picture")
        message = press.message
        if message is None or message.chat.type == "private" or not isinstance(made, Job | StoredPicture):
            return False
        return made.chat_id == message.chat.id and await self._studio.history.shares(made.owner_id)

    async def _broken(self, press: CallbackQuery) -> None:
        log.info("person %d has pressed a broken button", press.from_user.id)
        await press.answer(_("This button is broken, or from an older version. Please ask again."), show_alert=True)


async def _is_over(press: CallbackQuery, button: Ours, found: Found) -> bool:
    """Whether what is pressed is done with, and the presser has been told so."""
    draft = found.things.get("draft")
    if not isinstance(button, DraftButton) or not isinstance(draft, Draft) or draft.closed_at is None:
        return False
    await press.answer(_(button.over), show_alert=True)
    return True


async def found_by_press(press: CallbackQuery, button: Ours, owners: ButtonOwners) -> Found:
    """Like `ButtonOwners.of`; gone as well where the button is not, or no longer, under its message.

    Of an old message Telegram does not tell us the buttons. In private it is the presser's own, in a group it has to be
    one that we know, and its owner counts too.
    """
    message = press.message
    if isinstance(message, Message):
        return await owners.of(button, message) if stands_under(message, press.data) else GONE
    found = await owners.of(button, message)
    if message is None or message.chat.type == "private" or found == GONE:
        return found
    shown_to = await owners.of_message(message)
    return replace(found, owners=shown_to and (found.owners or frozenset()) | shown_to)


async def may_act_for(
    administrators: Administrators, bot: Bot, press: CallbackQuery, owners: frozenset[int]
) -> bool | None:
    """Whether a presser speaks for the one chat that owns something; None where that cannot be found out."""
    chat_id = next(iter(owners))
    private = press.message is None or press.message.chat.type == "private"
    if len(owners) != 1 or chat_id >= 0 or private:
        return False
    return await administrators.include(bot, chat_id, press.from_user.id)


def _is_ours(press: CallbackQuery) -> bool:
    """Whether a press is under a message that can be found again; the private chat is the presser's."""
    message = press.message
    if message is None or not 0 < message.message_id <= MOST_ID or abs(message.chat.id) > MOST_ID:
        return False
    return message.chat.type != "private" or message.chat.id == press.from_user.id
