"""✏️ Edit: the words of a result are handed back, and what comes in return is drawn, with the same pictures if any."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message, Update

from bot.jobs import cards
from bot.jobs.compose import brief
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, context_of, known_card, line_of, request_of
from bot.jobs.ordering import Order, order_picture
from bot.jobs.ownership import own_job
from bot.jobs.questions import Question, ask, send
from bot.modes import editing
from bot.modes.canvas import NothingToAdd
from bot.modes.composition import Wish
from bot.prompt import PromptLine, write
from bot.store import Draft, Parent, Person
from bot.telegram.addressed import without_alias
from bot.telegram.callbacks import JobButton
from bot.telegram.filters import AnswersDraft
from bot.telegram.senders import mention
from bot.texts.i18n import _
from inference.queue.jobs import Job


async def press(
    callback: CallbackQuery, callback_data: JobButton, person: Person, event_update: Update, desk: Desk
) -> None:
    """Gives the words back to be changed. Of those drawn alone any answer is drawn; else one to this very message."""
    job = await own_job(callback, desk.ledger, callback_data.job)
    if job is None:
        return
    await callback.answer()
    origin = Origin.of_press(callback, event_update.update_id, person)
    if editing.is_of_words_alone(request_of(job)):
        await send(desk.bot, origin, handed_back(callback, origin, line_of(job), person))
        return
    question = handed_back(callback, origin, line_of(job), person, pictures=True)
    await ask(desk, origin, question, "edit", {"job": job.id})


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


async def reworded(message: Message, draft: Draft, person: Person, event_update: Update, desk: Desk) -> None:
    """Other words have come for what was made from pictures."""
    origin = Origin.of_message(message, event_update.update_id, person)
    job = await desk.ledger.job(draft.body["job"])
    request = request_of(job) if job is not None else None
    if job is None or not isinstance(request, editing.PictureRequest):
        await desk.deliveries.say(origin, _("This is no longer there."))
        return
    said = editing.said_of(without_alias(message.text or ""), request)
    card = await known_card(desk.queue)
    wish = Wish(said, person.preferences, card, origin.private)
    try:
        made = editing.edited(request, line_of(job), said, wish)
    except NothingToAdd:
        await desk.deliveries.say(origin, "👌 " + _("The picture has this shape already."))
        return
    order = Order(made, context_of(job).action, await _parents(desk, job), unknown=card.unknown_words(made.line.prompt))
    await order_picture(desk, origin, order)


async def _parents(desk: Desk, job: Job) -> tuple[Parent, ...]:
    """What a job was made from; of one that repeats a picture, what that one was made from."""
    if parents := context_of(job).parents:
        return parents
    blobs = list(request_of(job).sources)
    owned = await desk.history.sources.owned(job.owner_id, blobs)
    return tuple(owned[blob] for blob in blobs if blob in owned)


def build() -> Router:
    router = Router(name="edit")
    router.callback_query.register(press, JobButton.filter(F.action == "edit"))
    router.message.register(reworded, AnswersDraft("edit"))
    return router
