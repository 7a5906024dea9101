"""Buttons of one picture: take it out of its grid, draw it in full quality, its file, recipe, star, deletion."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.conversation.copying import sayable
from bot.conversation.family import parent_lines
from bot.jobs import cards, keyboards
from bot.jobs.belonging import post_of
from bot.jobs.compose import Composition
from bot.jobs.order import order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already, lent
from bot.jobs.studio import Studio
from bot.store import Parent, Person, StoredPicture
from bot.store.handling import decided
from bot.telegram.callbacks import PictureButton
from bot.texts.i18n import _
from inference.blobs import BlobMissing


async def take_out(
    callback: CallbackQuery, callback_data: PictureButton, picture: StoredPicture, studio: Studio, origin: Origin
) -> None:
    """Posts the picture alone, or its file; the second time a finger points at the first one."""
    await callback.answer()
    gallery = studio.deliveries.gallery
    try:
        if callback_data.action == "file":
            await gallery.files([picture], origin.place)
        elif await gallery.open(picture, origin.place) and callback.message is not None:
            post = await post_of(studio.history, callback.message)
            if post is not None and post.kind == "grid":
                await gallery.refresh(picture.job_id, origin.chat_id, callback.message.message_id)
    except BlobMissing:
        await studio.deliveries.say(origin, _("The file of this picture is gone. Its recipe can draw it again: /info"))


async def repeat(
    callback: CallbackQuery,
    callback_data: PictureButton,
    picture: StoredPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
) -> None:
    """Exactly the same picture once more: one tile of its job has its own seed, so it can be drawn alone."""
    key = callback_data.pack()
    request = picture.recipe.alone
    if person.id != picture.owner_id and await lent(callback, studio, origin, request) is None:
        return
    if await in_line_already(callback, studio, person, key):
        return
    made = Composition(request, await studio.deliveries.gallery.line(picture), ())
    await order(studio, origin, made, parents=(Parent(picture_id=picture.id),), key=key)


async def recipe(callback: CallbackQuery, picture: StoredPicture, studio: Studio, origin: Origin) -> None:
    await callback.answer()
    await tell_recipe(picture, studio, origin)


async def tell_recipe(picture: StoredPicture, studio: Studio, origin: Origin) -> None:
    line = await studio.deliveries.gallery.line(picture)
    copied = sayable(line, picture.recipe.alone, studio.queue.card)
    text = cards.recipe(
        studio.modes,
        line,
        picture.recipe,
        job_id=picture.job_id,
        parents=await parent_lines(studio, picture.id, origin),
        origins=await studio.deliveries.gallery.origins(picture),
        copied=copied,
    )
    await studio.deliveries.say(origin, text, keyboards.recipe(copied, picture=picture.id))


async def star(callback: CallbackQuery, picture: StoredPicture, studio: Studio) -> None:
    starred = await decided("starred", not picture.starred)
    await callback.answer(_("Added to favourites: /history") if starred else _("No longer a favourite."))
    await studio.history.star(picture.id, starred)
    await studio.deliveries.gallery.rekey(callback.message, picture)


async def delete(callback: CallbackQuery, callback_data: PictureButton, picture: StoredPicture, studio: Studio) -> None:
    """Asks first; the second press deletes."""
    if callback_data.action == "delete":
        await callback.answer(cards.deleting(1))
        await studio.deliveries.gallery.rebutton(callback.message, keyboards.confirm_picture(picture.id))
    elif callback_data.action == "keep":
        await callback.answer()
        await studio.deliveries.gallery.rekey(callback.message, picture)
    else:
        await callback.answer(_("Deleted."))
        await studio.deliveries.gallery.delete([picture], under=callback.message)


def build() -> Router:
    router = Router(name="pictures")
    press = router.callback_query
    press.register(take_out, PictureButton.filter(F.action.in_({"open", "file"})))
    press.register(repeat, PictureButton.filter(F.action == "repeat"))
    press.register(recipe, PictureButton.filter(F.action == "recipe"))
    press.register(star, PictureButton.filter(F.action == "star"))
    press.register(delete, PictureButton.filter(F.action.in_({"delete", "really", "keep"})))
    return router
