"""Better words for a picture: /beautify, "improve …", the button under a grid, and the choice between old and new."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.jobs.belonging import post_of
from bot.jobs.compose import Composition, TooLong, new_seed
from bot.jobs.context import context_of, line_of
from bot.jobs.order import asked_by, known_card, order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already
from bot.jobs.questions import AnswersDraft, Question, ask, handed_back
from bot.jobs.studio import Studio
from bot.modes.better_words import rewriting
from bot.modes.better_words.buttons import WordsButton
from bot.modes.drawing import from_words
from bot.prompt import PromptLine, parse
from bot.prompt.said import wish_in
from bot.store import Draft, Parent, Person
from bot.telegram.addressed import Addressed
from bot.texts.i18n import _
from inference.queue.jobs import Job
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


async def command(message: Message, command: CommandObject, person: Person, studio: Studio, origin: Origin) -> None:
    await improve(message, command.args or "", person, studio, origin)


async def improve(message: Message, words: str, person: Person, studio: Studio, origin: Origin) -> None:
    """Improves the words, or those of the person's own picture that is answered."""
    words = wish_in(words)
    if words:
        await _ask(studio, origin, parse(words))
        return
    answered = await _answered_job(message, person, studio)
    if answered is None or not line_of(studio.modes, answered).prompt:
        question = Question("✨ " + _("Which words shall I improve? Reply with them."), _("a fox in the snow"))
        await ask(studio, origin, question, "improve", {})
        return
    await _ask(studio, origin, line_of(studio.modes, answered), parents=await _parents(answered, studio))


async def told(message: Message, draft: Draft, studio: Studio, origin: Origin) -> None:
    """The words to improve have come."""
    if draft.closed_at is not None:
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    await _ask(studio, origin, parse(wish_in(message.text or "")))


async def press_improve(
    callback: CallbackQuery, callback_data: WordsButton, job: Job, person: Person, studio: Studio, origin: Origin
) -> None:
    """Better words for a grid, or other ones than those just found; not doubled while it waits."""
    key = callback_data.pack()
    if await in_line_already(callback, studio, person, key):
        return
    await _ask(studio, origin, line_of(studio.modes, job), key=key, parents=await _parents(job, studio))
    if callback_data.action == "improve" and callback.message is not None:
        await studio.deliveries.gallery.refresh(job.id, callback.message.chat.id, callback.message.message_id)


async def choose(
    callback: CallbackQuery, callback_data: WordsButton, job: Job, person: Person, studio: Studio, origin: Origin
) -> None:
    """Draws the new words or the person's own."""
    key = callback_data.pack()
    if await in_line_already(callback, studio, person, key):
        return
    line, own_words = line_of(studio.modes, job), ""
    if callback_data.action == "new":
        line, own_words = _new_line(studio, job), line.prompt
    made = from_words(await asked_by(studio, origin, person, line))
    await order(studio, origin, made, parents=context_of(job).parents, key=key, own_words=own_words)


async def edit(callback: CallbackQuery, job: Job, person: Person, studio: Studio, origin: Origin) -> None:
    """Gives the new words back to be changed."""
    await callback.answer()
    question = handed_back(callback, origin, _new_line(studio, job), person)
    await ask(studio, origin, question, "edit", {"job": None})


async def _ask(
    studio: Studio, origin: Origin, line: PromptLine, *, parents: tuple[Parent, ...] = (), key: str | None = None
) -> None:
    """Orders better words; without a model the order has failed before it waits, and its card offers one's own."""
    card = await known_card(studio.queue)
    if len(line.prompt) > MAX_PROMPT_CHARS:
        raise TooLong("prompt", len(line.prompt), MAX_PROMPT_CHARS)
    request = Rewrite(kind="beautify", prompt=line.prompt, seeds=(new_seed(),))
    lack = None
    if "beautify" not in card.kinds:
        lack = Failed(code="missing_weights", message=card.missing.get("beautify", "no language model"))
    await order(studio, origin, Composition(request, line), parents=parents, key=key, refused=lack)


def _new_line(studio: Studio, job: Job) -> PromptLine:
    """The line of a job that improved words, with the new ones in it."""
    new = rewriting.improved(job.outcome) if isinstance(job.outcome, Finished) else ""
    return replace(line_of(studio.modes, job), prompt=new) if new else line_of(studio.modes, job)


async def _answered_job(message: Message, person: Person, studio: Studio) -> Job | None:
    """The person's own job that the answered message shows."""
    answered = message.reply_to_message
    post = await post_of(studio.history, answered) if answered is not None else None
    job = await studio.ledger.job(post.job_id) if post is not None and post.job_id is not None else None
    return job if job is not None and job.owner_id == person.id else None


async def _parents(job: Job, studio: Studio) -> tuple[Parent, ...]:
    """What is drawn descends from the first picture of the job, or from what the words descended from."""
    pictures = await studio.history.pictures_of_job(job.id)
    return (Parent(picture_id=pictures[0].id),) if pictures else context_of(job).parents


def build() -> Router:
    router = Router(name="beautify")
    router.message.register(command, Command("beautify"))
    router.message.register(told, AnswersDraft("improve"))
    router.message.register(improve, AskedToImprove())
    press = router.callback_query
    press.register(press_improve, WordsButton.filter(F.action.in_({"improve", "another"})))
    press.register(choose, WordsButton.filter(F.action.in_({"new", "mine"})))
    press.register(edit, WordsButton.filter(F.action == "edit"))
    return router
