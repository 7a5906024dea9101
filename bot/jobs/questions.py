"""Questions that are answered in words. Their own words are noted before they are sent, so that an answer finds what it
is about however early it comes (`bot.jobs.belonging`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery, ForceReply, Message

from bot.jobs.belonging import draft_asked_about, draft_shown, fingerprint, plain
from bot.jobs.compose import brief
from bot.jobs.dialogs import never_mind, spoken_to
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.prompt import PromptLine, write
from bot.store import Draft, DraftKind, Person
from bot.telegram import screen
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Screen
from bot.telegram.senders import mention, sender_of_message
from bot.texts.html import escape
from bot.texts.i18n import _


@dataclass(frozen=True)
class Question:
    """What is asked, in HTML. It answers the message that it is about unless `alone`, and rings unless `quiet`."""

    text: str
    placeholder: str | None = None
    alone: bool = False
    quiet: bool = False


async def ask(studio: Studio, origin: Origin, question: Question, kind: DraftKind, body: dict[str, Any]) -> None:
    """Asks, and remembers `body` for the answer in a draft of its own, the open dialog from now on."""
    sources = studio.history.sources
    noted = {**body, "question": _told(question)}
    draft = await sources.add_draft(origin.owner_id, origin.chat_id, kind, noted)
    await studio.history.dialogs.listen(draft)
    async with _one_at_a_time(studio, origin):
        try:
            message = await _send(studio.bot, origin, question, draft)
        except AiogramError as refused:
            if classify(refused) is not Refusal.UNKNOWN_OUTCOME:
                await sources.change_draft(draft.id, closed=True)
            raise
        await sources.place_draft(draft.id, message.message_id)


async def ask_about(studio: Studio, origin: Origin, question: Question, draft: Draft) -> None:
    """Asks for words that are still missing in a draft."""
    sources = studio.history.sources
    await sources.note_in_draft(draft.id, question=_told(question), asked=None)
    await studio.history.dialogs.listen(draft)
    async with _one_at_a_time(studio, origin):
        try:
            message = await _send(studio.bot, origin, question, draft)
        except AiogramError as refused:
            if classify(refused) is not Refusal.UNKNOWN_OUTCOME:
                before = {"question": draft.body.get("question", ""), "asked": draft.body.get("asked")}
                await sources.note_in_draft(draft.id, **before)
            raise
        await sources.note_in_draft(draft.id, asked=message.message_id)


async def _send(bot: Bot, origin: Origin, question: Question, draft: Draft) -> Message:
    """In private with a button to drop it, and any words are an answer; in a group with an answer begun, for a bot
    hears no other there. Telegram lets no message have both."""
    place = replace(origin.place, answer_to=None if question.alone else origin.reply_to, aloud=not question.quiet)
    if origin.private:
        return await screen.send(bot, place, Screen(question.text, never_mind(draft)))
    asking = ForceReply(selective=True, input_field_placeholder=question.placeholder)
    return await screen.send(bot, place, Screen(question.text), asking=asking)


def handed_back(
    callback: CallbackQuery, origin: Origin, line: PromptLine, person: Person, *, pictures: bool = False
) -> Question:
    """A line for whoever pressed, to be changed and sent back; `pictures` says that it is not all there is."""
    written = write(brief(line, person.preferences, private=origin.private))
    if not pictures:
        asked = _("Tap the words to copy them, change what you like and send them back:")
    elif line.prompt and origin.private:
        asked = _("Tap the words to copy them, change what you like and send them back. The rest stays as it is.")
    elif line.prompt:
        asked = _(
            "Tap the words to copy them, change what you like and send them in reply to this message. "
            "The rest stays as it is."
        )
    else:
        asked = _("What shall there be? Reply in a few words. The rest stays as it is.")
    called = "" if origin.private else mention(callback, origin.owner_id)
    text = f"{called}✏️ {asked}" + (f"\n<code>{escape(written)}</code>" if line.prompt else "")
    return Question(text, written[:64] or None, alone=True)


def _told(question: Question) -> str:
    return fingerprint(plain(question.text))


def _one_at_a_time(studio: Studio, origin: Origin) -> asyncio.Lock:
    """Held while a question to somebody is on its way: of two that read the same one is known."""
    return studio.one_press(f"question:{origin.chat_id}:{origin.owner_id}")


class AnswersDraft(BaseFilter):
    """Words that a message of ours waits for, from the person it waits for; in private they need not quote it. Gives
    `draft`."""

    def __init__(self, kind: DraftKind) -> None:
        self._kind = kind

    async def __call__(self, message: Message, studio: Studio, dialog: Draft | None = None) -> bool | dict[str, Any]:
        asked, sender = message.reply_to_message, sender_of_message(message)
        if not message.text or message.text.startswith("/") or sender is None:
            return False
        if asked is None:
            spoken = spoken_to(message, self._kind, dialog)
            return {"draft": spoken} if spoken is not None else False
        draft = await draft_shown(studio.history.sources, asked, self._kind)
        if draft is None:
            draft = await draft_asked_about(studio.history.sources, asked, self._kind, sender.id)
        return {"draft": draft} if draft is not None and draft.owner_id == sender.id else False
