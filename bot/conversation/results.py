"""Buttons under what a job has made, or under the words that it made nothing."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery, Update

from bot.conversation.family import parent_lines
from bot.jobs import cards, keyboards
from bot.jobs.compose import new_seed, tile_seeds
from bot.jobs.delivery import Deliveries
from bot.jobs.intake import Action, Origin, context_of, line_of, request_of, take_in
from bot.jobs.originals import Place
from bot.jobs.ownership import ordering_once, own_job, own_pictures
from bot.modes import rewriting
from bot.prompt import write
from bot.store import History, Person
from bot.store.handling import decided
from bot.telegram.callbacks import JobButton
from bot.texts.i18n import _
from inference.blobs import BlobMissing
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger


async def once_more(
    callback: CallbackQuery,
    callback_data: JobButton,
    person: Person,
    event_update: Update,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Again with new seeds, the same after a failure, or exactly the same. Not doubled while it waits."""
    job = await own_job(callback, ledger, callback_data.job)
    if job is None:
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        await _repeat(callback, job, callback_data.action, key, person, event_update, ledger, history, deliveries)
        if callback_data.action == "again":
            await _refresh(callback, job.id, deliveries)


async def _repeat(
    callback: CallbackQuery,
    job: Job,
    action: str,
    key: str,
    person: Person,
    event_update: Update,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """What is drawn descends from what the job worked from, or else from its first picture, which stands for all."""
    origin = Origin.of_press(callback, event_update.update_id, person)
    request, line = request_of(job), line_of(job)
    if action == "again":
        seeds = tile_seeds(new_seed(), len(request.seeds))
        request, line = request.model_copy(update={"seeds": seeds}), replace(line, seed=seeds[0])
    done: Action = "again" if action == "again" else "retry" if action == "retry" else "repeat"
    made_from = context_of(job).parents
    pictures = [] if made_from else await history.pictures_of_job(job.id)
    parent_id = pictures[0].id if pictures else None
    await take_in(
        ledger, deliveries, origin, request, line,
        action=done, key=key, parent_id=parent_id, parents=made_from, own_words=context_of(job).own_words,
    )  # fmt: skip
    if action == "retry":
        await deliveries.gallery.rebutton(callback.message, None)


async def files(
    callback: CallbackQuery,
    callback_data: JobButton,
    person: Person,
    event_update: Update,
    history: History,
    deliveries: Deliveries,
) -> None:
    pictures = await own_pictures(callback, history, callback_data.job)
    if not pictures:
        return
    await callback.answer()
    origin = Origin.of_press(callback, event_update.update_id, person)
    try:
        await deliveries.gallery.files(pictures, Place(origin.chat_id, origin.reply_to, origin.thread))
    except BlobMissing:
        await deliveries.say(origin, _("The files of these pictures are gone. “Again” draws new ones."))


async def recipe(
    callback: CallbackQuery,
    callback_data: JobButton,
    person: Person,
    event_update: Update,
    ledger: Ledger,
    history: History,
    queue: Dispatcher,
    deliveries: Deliveries,
) -> None:
    job = await own_job(callback, ledger, callback_data.job)
    pictures = await own_pictures(callback, history, callback_data.job) if job is not None else []
    if job is None or not pictures:
        return
    await callback.answer()
    origin = Origin.of_press(callback, event_update.update_id, person)
    line = line_of(job)
    origins = rewriting.origins(line, job.request, context_of(job).own_words)
    parents = await parent_lines(history, pictures[0].id)
    text = cards.recipe(
        line, pictures[0].recipe, job_id=job.id, seeds=job.request.seeds, parents=parents, origins=origins
    )
    await deliveries.say(origin, text, keyboards.recipe(write(line), job_id=job.id))


async def star(callback: CallbackQuery, callback_data: JobButton, history: History, deliveries: Deliveries) -> None:
    """Stars all pictures of a job, or takes all stars back."""
    pictures = await own_pictures(callback, history, callback_data.job)
    if not pictures:
        return
    starred = await decided("starred", not all(picture.starred for picture in pictures))
    await callback.answer(_("Added to favourites: /history") if starred else _("No longer a favourite."))
    for picture in pictures:
        await history.star(picture.id, starred)
    await _refresh(callback, callback_data.job, deliveries)


async def delete(callback: CallbackQuery, callback_data: JobButton, history: History, deliveries: Deliveries) -> None:
    """Asks first; the second press deletes."""
    pictures = await own_pictures(callback, history, callback_data.job)
    if not pictures:
        return
    if callback_data.action == "delete":
        await callback.answer(cards.deleting(len(pictures)))
        await deliveries.gallery.rebutton(callback.message, keyboards.confirm_job(callback_data.job))
    elif callback_data.action == "keep":
        await callback.answer()
        await _refresh(callback, callback_data.job, deliveries)
    else:
        await callback.answer(_("Deleted."))
        await deliveries.gallery.delete(pictures, under=callback.message)


async def _refresh(callback: CallbackQuery, job_id: int, deliveries: Deliveries) -> None:
    if callback.message is not None:
        await deliveries.gallery.refresh(job_id, callback.message.chat.id, callback.message.message_id)


def build() -> Router:
    router = Router(name="results")
    press = router.callback_query
    press.register(once_more, JobButton.filter(F.action.in_({"again", "retry", "repeat"})))
    press.register(files, JobButton.filter(F.action == "files"))
    press.register(recipe, JobButton.filter(F.action == "recipe"))
    press.register(star, JobButton.filter(F.action == "star"))
    press.register(delete, JobButton.filter(F.action.in_({"delete", "really", "keep"})))
    return router
