"""✏️ Edit: the words of a result are handed back, and what comes in return is drawn, with the same pictures if any."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bot.jobs import cards
from bot.jobs.compose import brief
from bot.jobs.context import context_of, line_of, request_of
from bot.jobs.order import known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.questions import AnswersDraft, Question, ask, send
from bot.jobs.studio import Studio
from bot.modes import editing
from bot.modes.base import Wish
from bot.modes.extend.canvas import NothingToAdd
from bot.prompt import PromptLine, write
from bot.store import Draft, Parent, Person
from bot.telegram.addressed import without_alias
from bot.telegram.callbacks import JobButton
from bot.telegram.senders import mention
from bot.texts.i18n import _
from inference.queue.jobs import Job


async def press(callback: CallbackQuery, job: Job, person: Person, studio: Studio, origin: Origin) -> None:
    """Gives the words back to be changed. Of those drawn alone any answer is drawn; else one to this very message."""
    await callback.answer()
    if editing.is_of_words_alone(request_of(job)):
        await send(studio.bot, origin, handed_back(callback, origin, line_of(job), person))
        return
    question = handed_back(callback, origin, line_of(job), person, pictures=True)
    await ask(studio, origin, question, "edit", {"job": job.id})


def handed_back(
    callback: CallbackQuery, origin: Origin, line: PromptLine, person: Person, *, pictures: bool = False
) -> Question:
    """A line for whoever pressed, to be changed and sent back; `pictures` says that it is not all there is."""
    written = write(brief(line, person.preferences, private=origin.private))
    if not pictures:
        asked = _("Tap the words to copy them, change what you like and send them back:")
    elif line.prompt:
        asked = _(
            "Tap the words to copy them, change what you like and send them in reply to this message. "
            "The rest stays as it is."
        )
    else:
        asked = _("What shall there be? Reply in a few words. The rest stays as it is.")
    called = "" if origin.private else mention(callback, origin.owner_id)
    text = f"{called}✏️ {asked}" + (f"\n<code>{cards.escape(written)}</code>" if line.prompt else "")
    return Question(text, written[:64] or None, alone=True)


async def reworded(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """Other words have come for what was made from pictures."""
    job = await studio.ledger.job(draft.body["job"])
    request = request_of(job) if job is not None else None
    if job is None or not isinstance(request, editing.PictureRequest):
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    said = editing.said_of(without_alias(message.text or ""), request)
    card = await known_card(studio.queue)
    wish = Wish(said, person.preferences, card, origin.private)
    try:
        made = editing.edited(request, line_of(job), said, wish)
    except NothingToAdd:
        await studio.deliveries.say(origin, "👌 " + _("The picture has this shape already."))
        return
    await order_or_ask(studio, origin, made, parents=await _parents(studio, job))


async def _parents(studio: Studio, job: Job) -> tuple[Parent, ...]:
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
