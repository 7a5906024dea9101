"""Better words for a picture: /beautify, "improve …", the button under a grid, and the choice between old and new."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update

from bot.conversation.edit import handed_back
from bot.jobs.belonging import post_of
from bot.jobs.compose import TooLong, new_seed
from bot.jobs.delivery import Deliveries
from bot.jobs.intake import Origin, context_of, known_card, line_of, order, take_in
from bot.jobs.ownership import ordering_once, own_job
from bot.jobs.questions import send
from bot.modes import rewriting
from bot.prompt import PromptLine, parse
from bot.store import History, Person
from bot.telegram.addressed import Addressed, without_alias
from bot.telegram.callbacks import WordsButton
from bot.texts.i18n import _
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.requests import MAX_PROMPT_CHARS, Failed, Finished, Rewrite

_ALIAS = re.compile(
    r"^(?:улучши(?:ть|те)?(?:\s+(?:запрос|промпт|описание))?|improve|beautify)(?:\s*[:,]\s*|\s+|$)", re.IGNORECASE
)


class AskedToImprove(Addressed):
    """Words that mean the bot and begin with "improve" or «улучши». Gives the rest as `words`."""

    async def __call__(self, message: Message, bot: Bot) -> bool | dict[str, Any]:
        addressed = await super().__call__(message, bot)
        words = addressed["words"] if isinstance(addressed, dict) else ""
        return {"words": _ALIAS.sub("", words)} if _ALIAS.match(words) else False


async def command(
    message: Message,
    command: CommandObject,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    await improve(message, command.args or "", person, event_update, queue, ledger, history, deliveries)


async def improve(
    message: Message,
    words: str,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Improves the words, or those of the person's own picture that is answered."""
    origin = Origin.of_message(message, event_update.update_id, person)
    words = without_alias(words)
    if words:
        await _ask(origin, parse(words), queue, ledger, deliveries)
        return
    answered = await _answered_job(message, person, history, ledger)
    if answered is None or not line_of(answered).prompt:
        await deliveries.say(origin, "✨ " + _("Say which words to improve: /beautify a fox in the snow"))
        return
    await _ask(origin, line_of(answered), queue, ledger, deliveries, parent_id=await _parent(answered, history))


async def press_improve(
    callback: CallbackQuery,
    callback_data: WordsButton,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Better words for a grid, or other ones than those just found; not doubled while it waits."""
    job = await own_job(callback, ledger, callback_data.job)
    if job is None:
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        parent = await _parent(job, history)
        await _ask(origin, line_of(job), queue, ledger, deliveries, key=key, parent_id=parent)
        if callback_data.action == "improve" and callback.message is not None:
            await deliveries.gallery.refresh(job.id, callback.message.chat.id, callback.message.message_id)


async def choose(
    callback: CallbackQuery,
    callback_data: WordsButton,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    deliveries: Deliveries,
) -> None:
    """Draws the new words or the person's own."""
    job = await own_job(callback, ledger, callback_data.job)
    if job is None:
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        line, own_words = line_of(job), ""
        if callback_data.action == "new":
            line, own_words = _new_line(job), line.prompt
        await order(
            origin, line, person.preferences, queue=queue, ledger=ledger, deliveries=deliveries,
            key=key, own_words=own_words, parent_id=context_of(job).parent_id,
        )  # fmt: skip


async def edit(
    callback: CallbackQuery, callback_data: WordsButton, person: Person, event_update: Update, ledger: Ledger, bot: Bot
) -> None:
    """Gives the new words back to be changed."""
    job = await own_job(callback, ledger, callback_data.job)
    if job is not None:
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        await send(bot, origin, handed_back(callback, origin, _new_line(job), person))


async def _ask(
    origin: Origin, line: PromptLine, queue: Dispatcher, ledger: Ledger, deliveries: Deliveries, **context: Any
) -> None:
    """Orders better words; without a model the order has failed before it waits, and its card offers one's own."""
    card = await known_card(queue)
    if len(line.prompt) > MAX_PROMPT_CHARS:
        raise TooLong("prompt", len(line.prompt), MAX_PROMPT_CHARS)
    request = Rewrite(kind="beautify", prompt=line.prompt, seeds=(new_seed(),))
    lack = None
    if "beautify" not in card.kinds:
        lack = Failed(code="missing_weights", message=card.missing.get("beautify", "no language model"))
    await take_in(ledger, deliveries, origin, request, line, refused=lack, **context)


def _new_line(job: Job) -> PromptLine:
    """The line of a job that improved words, with the new ones in it."""
    new = rewriting.improved(job.outcome) if isinstance(job.outcome, Finished) else ""
    return replace(line_of(job), prompt=new) if new else line_of(job)


async def _answered_job(message: Message, person: Person, history: History, ledger: Ledger) -> Job | None:
    """The person's own job that the answered message shows."""
    answered = message.reply_to_message
    post = await post_of(history, answered) if answered is not None else None
    job = await ledger.job(post.job_id) if post is not None and post.job_id is not None else None
    return job if job is not None and job.owner_id == person.id else None


async def _parent(job: Job, history: History) -> int | None:
    """What is drawn descends from the first picture of the job, or from what the words descended from."""
    pictures = await history.pictures_of_job(job.id)
    return pictures[0].id if pictures else context_of(job).parent_id


def build() -> Router:
    router = Router(name="beautify")
    router.message.register(command, Command("beautify"))
    router.message.register(improve, AskedToImprove())
    press = router.callback_query
    press.register(press_improve, WordsButton.filter(F.action.in_({"improve", "another"})))
    press.register(choose, WordsButton.filter(F.action.in_({"new", "mine"})))
    press.register(edit, WordsButton.filter(F.action == "edit"))
    return router
