"""Somebody has changed a message of theirs.

What it had ordered is ordered with the new words, as if they had been the first ones (`bot.jobs.order`), and so is what
waits for room or for a yes (`bot.jobs.held`). A message that had ordered nothing, because it was refused or asked for
something else, is read anew while it is fresh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aiogram import Bot, Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import Message

from bot.conversation.edit import parents_of
from bot.conversation.plain_words import plainly_said
from bot.jobs.context import request_of
from bot.jobs.held import held_for, let_go
from bot.jobs.mode import Mode
from bot.jobs.order import asked_by, composed_from, order, order_or_ask, parents_stored
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.drawing import from_words
from bot.modes.intent import understood
from bot.modes.source import carries_picture
from bot.prompt import parse
from bot.prompt.said import wish_in
from bot.store import Parent, Person
from bot.telegram.addressed import Addressed
from inference.queue.jobs import Job
from inference.requests import AnyRequest

FRESH_SECONDS = 600  # between a message and its change


class Edited:
    """`conversation` has the handlers of all messages, to which a changed one goes as if it were new."""

    def __init__(self, conversation: Router) -> None:
        self._conversation = conversation

    async def __call__(
        self, message: Message, bot: Bot, person: Person, studio: Studio, origin: Origin, **data: Any
    ) -> Any:
        before, held = await _asked_before(studio, origin), await held_for(studio, origin)
        if before is None and held is not None:
            before = _Before(composed_from(held.body).request, parents_stored(held.body))
        if before is None and not _is_fresh(message):
            return UNHANDLED
        words = message.caption if message.media_group_id is not None else await Addressed().said(message, bot)
        if before is not None and _are_its_words(message, words, studio.modes.of(before.request), studio):
            await _reworded(studio, replace(origin, edits=before.job), person, before, words or "")
            handled = None
        else:
            job = None if before is None else before.job
            everything = {**data, "bot": bot, "person": person, "studio": studio, "edits": job}
            handled = await self._conversation.propagate_event("message", message, **everything)
        if held is not None and handled is not UNHANDLED:
            await let_go(studio, origin, held)
        return handled


@dataclass(frozen=True)
class _Before:
    """What a message has asked for: a job, or what waits for room or a yes; and what that is made from."""

    request: AnyRequest
    parents: tuple[Parent, ...]
    job: Job | None = None


async def _asked_before(studio: Studio, origin: Origin) -> _Before | None:
    """The job that the message has ordered."""
    if origin.reply_to is None:
        return None
    job = await studio.ledger.ordered_by(origin.owner_id, origin.chat_id, origin.reply_to)
    return None if job is None else _Before(request_of(job), await parents_of(studio, job), job)


def _is_fresh(message: Message) -> bool:
    """Whether a message that has ordered nothing is one to be read again. What is changed of an album is a caption."""
    since = (message.edit_date or 0) - message.date.timestamp()
    return bool(message.text or message.caption) and message.media_group_id is None and since < FRESH_SECONDS


def _are_its_words(message: Message, words: str | None, mode: Mode[Studio], studio: Studio) -> bool:
    """Whether a message holds the words of what it has ordered, and no command of its own: what was drawn from words
    alone, an answer to a question of ours, the caption of an album."""
    if not (mode.of_words_alone or mode.reword):
        return False
    if words is None or words.startswith("/") or plainly_said(words):
        return False
    if message.media_group_id is not None or mode.of_words_alone:
        return True
    answered = message.reply_to_message
    to_picture = answered is not None and carries_picture(answered) and understood(words, studio.modes)[0] is not None
    return not carries_picture(message) and not to_picture


async def _reworded(studio: Studio, origin: Origin, person: Person, before: _Before, words: str) -> None:
    """Composes anew with these words alone. Raises one of REFUSALS."""
    request, mode = before.request, studio.modes.of(before.request)
    if mode.of_words_alone:
        await order(studio, origin, from_words(await asked_by(studio, origin, person, parse(wish_in(words)))))
        return
    assert mode.reword is not None
    said = parse(wish_in(words), mode.parameters if mode.reword_parameters is None else mode.reword_parameters(request))
    made = mode.reword(request, said, said, await asked_by(studio, origin, person, said))
    await order_or_ask(studio, origin, made, parents=before.parents)


def build(conversation: Router) -> Router:
    router = Router(name="edited")
    router.edited_message.register(Edited(conversation).__call__)
    return router
