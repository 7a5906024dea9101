"""✏️ Edit: the words of a result are handed back, and what comes in return is drawn, with the same pictures if any."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bot.jobs.context import context_of, line_of, request_of
from bot.jobs.order import asked_by, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.questions import AnswersDraft, ask, handed_back
from bot.jobs.studio import Studio
from bot.modes.base import said_again
from bot.modes.words import draw
from bot.prompt import parse
from bot.prompt.said import wish_in
from bot.store import Draft, Parent, Person
from bot.telegram.callbacks import JobButton
from bot.texts.i18n import _
from inference.queue.jobs import Job


async def press(callback: CallbackQuery, job: Job, person: Person, studio: Studio, origin: Origin) -> None:
    """Gives the words back to be changed, and keeps what else it was drawn from."""
    await callback.answer()
    pictures = not studio.modes.of(request_of(job)).of_words_alone
    question = handed_back(callback, origin, line_of(studio.modes, job), person, pictures=pictures)
    await ask(studio, origin, question, "edit", {"job": job.id if pictures else None})


async def reworded(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """Other words have come."""
    if draft.body["job"] is None:
        await draw(message, wish_in(message.text or ""), person, studio, origin)
        return
    job = await studio.ledger.job(draft.body["job"])
    request = request_of(job) if job is not None else None
    mode = studio.modes.of(request) if request is not None else None
    if job is None or mode is None or mode.reword is None:
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    taken = mode.parameters if mode.reword_parameters is None else mode.reword_parameters(request)
    said = parse(wish_in(message.text or ""), taken)
    asked = await asked_by(studio, origin, person, said)
    made = mode.reword(request, said_again(line_of(studio.modes, job), said), said, asked)
    await order_or_ask(studio, origin, made, parents=await parents_of(studio, job))


async def parents_of(studio: Studio, job: Job) -> tuple[Parent, ...]:
    """What a job was made from; of one that repeats a picture, what that one was made from."""
    if parents := context_of(job).parents:
        return parents
    blobs = list(request_of(job).sources)
    owned = await studio.history.sources.owned(job.owner_id, blobs)
    return tuple(owned[blob] for blob in blobs if blob in owned)


def build() -> Router:
    router = Router(name="edit")
    router.callback_query.register(press, JobButton.filter(F.action == "edit"))
    router.message.register(reworded, AnswersDraft("edit"))
    return router
