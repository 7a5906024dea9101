"""Buttons under what a job has made, or under the words that it made nothing."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.conversation.copying import sayable
from bot.conversation.family import parent_lines
from bot.jobs import cards, keyboards
from bot.jobs.compose import Composition, new_seed, tile_seeds
from bot.jobs.context import context_of, line_of, made_by, request_of, styles_made_by
from bot.jobs.order import order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already, lent, own_pictures
from bot.jobs.studio import Studio
from bot.prompt.styles import style_name
from bot.store import Parent, Person, StoredPicture
from bot.store.handling import decided
from bot.telegram.callbacks import JobButton
from bot.texts.i18n import _
from inference.blobs import BlobMissing
from inference.queue.jobs import Job
from inference.requests import Sheet


async def once_more(
    callback: CallbackQuery, callback_data: JobButton, job: Job, person: Person, studio: Studio, origin: Origin
) -> None:
    """Again with new seeds, the same after a failure, or exactly the same, for whoever presses. Not doubled while it
    waits."""
    key = callback_data.pack()
    parents: tuple[Parent, ...] | None = context_of(job).parents
    if person.id != job.owner_id:
        parents = await lent(callback, studio, origin, request_of(job))
    if parents is None or await in_line_already(callback, studio, person, key):
        return
    await repeat(job, parents, studio, origin, key, new_seeds=callback_data.action == "again")
    if callback_data.action == "retry":
        await studio.deliveries.gallery.rebutton(callback.message, None)
    elif callback_data.action == "again" and person.id == job.owner_id:  # another's keys keep their language and ticks
        await _refresh(callback, job.id, studio)


async def repeat(
    job: Job, parents: tuple[Parent, ...], studio: Studio, origin: Origin, key: str | None, *, new_seeds: bool
) -> None:
    """What is drawn descends from what the job worked from, or else from its first picture, which stands for all."""
    context = context_of(job)
    request, line = (request_of(job), line_of(studio.modes, job)) if new_seeds else made_by(studio.modes, job)
    if new_seeds:
        seeds = tile_seeds(new_seed(), len(request.seeds))
        request, line = request.with_seeds(seeds), replace(line, seed=seeds[0])
    if not parents:
        parents = tuple(Parent(picture_id=one.id) for one in (await studio.history.pictures_of_job(job.id))[:1])
    styles = context.styles if new_seeds else styles_made_by(job)
    made = Composition(request, line, (), styles=styles)
    await order(studio, origin, made, parents=parents, key=key, own_words=context.own_words)


async def files(callback: CallbackQuery, job: Job, studio: Studio, origin: Origin) -> None:
    pictures = await own_pictures(callback, studio, job.id)
    if not pictures:
        return
    await callback.answer()
    try:
        await studio.deliveries.gallery.files(pictures, origin.place)
    except BlobMissing:
        await studio.deliveries.say(origin, _("The files of these pictures are gone. “Again” draws new ones."))


async def recipe(callback: CallbackQuery, job: Job, studio: Studio, origin: Origin) -> None:
    pictures = await own_pictures(callback, studio, job.id)
    if not pictures:
        return
    await callback.answer()
    await tell_recipe_of_job(job, pictures[0], studio, origin)


async def tell_recipe_of_job(job: Job, first: StoredPicture, studio: Studio, origin: Origin) -> None:
    request, line = made_by(studio.modes, job)
    origins = cards.origins(line, job.request, context_of(job).own_words)
    parents = await parent_lines(studio, first.id, origin)
    copied = sayable(line, request, studio.queue.card)
    told = first.recipe
    if isinstance(request, Sheet):  # what its pictures have in common, not what the first of them is alone
        told = told.model_copy(update={"request": request.of, "tile": 0})
    text = cards.recipe(
        studio.modes,
        line,
        told,
        job_id=job.id,
        seeds=tuple(dict.fromkeys(request.seeds)),
        styles=[style_name(style) for style in styles_made_by(job)],
        parents=parents,
        origins=origins,
        copied=copied,
    )
    await studio.deliveries.say(origin, text, keyboards.recipe(copied, job_id=job.id))


async def star(callback: CallbackQuery, job: Job, studio: Studio) -> None:
    """Stars all pictures of a job, or takes all stars back."""
    pictures = await own_pictures(callback, studio, job.id)
    if not pictures:
        return
    starred = await decided("starred", not all(picture.starred for picture in pictures))
    await callback.answer(_("Added to favourites: /history") if starred else _("No longer a favourite."))
    for picture in pictures:
        await studio.history.star(picture.id, starred)
    await _refresh(callback, job.id, studio)


async def delete(callback: CallbackQuery, callback_data: JobButton, job: Job, studio: Studio) -> None:
    """Asks first; the second press deletes."""
    pictures = await own_pictures(callback, studio, job.id)
    if not pictures:
        return
    if callback_data.action == "delete":
        await callback.answer(cards.deleting(len(pictures)))
        await studio.deliveries.gallery.rebutton(callback.message, keyboards.confirm_job(job.id))
    elif callback_data.action == "keep":
        await callback.answer()
        await _refresh(callback, job.id, studio)
    else:
        await callback.answer(_("Deleted."))
        await studio.deliveries.gallery.delete(pictures, under=callback.message)


async def _refresh(callback: CallbackQuery, job_id: int, studio: Studio) -> None:
    if callback.message is not None:
        await studio.deliveries.gallery.refresh(job_id, callback.message.chat.id, callback.message.message_id)


def build() -> Router:
    router = Router(name="results")
    press = router.callback_query
    press.register(once_more, JobButton.filter(F.action.in_({"again", "retry", "repeat"})))
    press.register(files, JobButton.filter(F.action == "files"))
    press.register(recipe, JobButton.filter(F.action == "recipe"))
    press.register(star, JobButton.filter(F.action == "star"))
    press.register(delete, JobButton.filter(F.action.in_({"delete", "really", "keep"})))
    return router
