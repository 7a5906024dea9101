"""Buttons of one picture: take it out of its grid, draw it in full quality, its file, recipe, star, deletion."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery, Update

from bot.conversation.family import parent_lines
from bot.jobs import cards, keyboards
from bot.jobs.belonging import post_of
from bot.jobs.delivery import Deliveries
from bot.jobs.intake import Origin, order, take_in
from bot.jobs.originals import Place
from bot.jobs.ownership import ordering_once, own_picture
from bot.jobs.showing import can_refine, keyboard_of
from bot.prompt import write
from bot.store import History, Person, Preferences
from bot.store.handling import decided
from bot.telegram.callbacks import PictureButton
from bot.texts.i18n import _
from inference.blobs import BlobMissing
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger


async def take_out(
    callback: CallbackQuery,
    callback_data: PictureButton,
    person: Person,
    event_update: Update,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Posts the picture alone, or its file; the second time a finger points at the first one."""
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    await callback.answer()
    origin = Origin.of_press(callback, event_update.update_id, person)
    place = Place(origin.chat_id, origin.reply_to, origin.thread)
    try:
        if callback_data.action == "file":
            await deliveries.gallery.files([picture], place)
        elif await deliveries.gallery.open(picture, place) and callback.message is not None:
            post = await post_of(history, callback.message)
            if post is not None and post.kind == "grid":
                await deliveries.gallery.refresh(picture.job_id, origin.chat_id, callback.message.message_id)
    except BlobMissing:
        await deliveries.say(origin, _("The file of this picture is gone. Its recipe can draw it again: /info"))


async def refine(
    callback: CallbackQuery,
    callback_data: PictureButton,
    person: Person,
    event_update: Update,
    queue: Dispatcher,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """The same words and the same seed in full quality, once."""
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    if not can_refine(picture, queue.card):
        await callback.answer(_("Full quality is not installed here."), show_alert=True)
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        for child in await history.children(picture.id):
            post = await history.find_post(kind="single", picture_id=child.id, chat_id=origin.chat_id)
            if post is None or child.recipe.request.kind != "full":
                continue
            if await deliveries.gallery.point_to(post, _("It is drawn in full quality already.")):
                return
        line = replace(await deliveries.gallery.line(picture), mode="full")
        await order(
            origin, line, Preferences(), queue=queue, ledger=ledger, deliveries=deliveries,
            action="full", key=key, parent_id=picture.id,
        )  # fmt: skip
        await _refresh(callback, picture.id, history, queue, deliveries)


async def repeat(
    callback: CallbackQuery,
    callback_data: PictureButton,
    person: Person,
    event_update: Update,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Exactly the same picture once more: one tile of its job has its own seed, so it can be drawn alone."""
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    key = callback_data.pack()
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        origin = Origin.of_press(callback, event_update.update_id, person)
        request = picture.recipe.request.model_copy(update={"seeds": (picture.recipe.seed,)})
        line = await deliveries.gallery.line(picture)
        await take_in(ledger, deliveries, origin, request, line, action="repeat", key=key, parent_id=picture.id)


async def recipe(
    callback: CallbackQuery,
    callback_data: PictureButton,
    person: Person,
    event_update: Update,
    history: History,
    deliveries: Deliveries,
) -> None:
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    await callback.answer()
    origin = Origin.of_press(callback, event_update.update_id, person)
    line = await deliveries.gallery.line(picture)
    text = cards.recipe(
        line,
        picture.recipe,
        job_id=picture.job_id,
        parents=await parent_lines(history, picture.id),
        origins=await deliveries.gallery.origins(picture),
    )
    await deliveries.say(origin, text, keyboards.recipe(write(line), picture=picture.id))


async def star(
    callback: CallbackQuery, callback_data: PictureButton, history: History, deliveries: Deliveries, queue: Dispatcher
) -> None:
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    starred = await decided("starred", not picture.starred)
    await callback.answer(_("Added to favourites: /history") if starred else _("No longer a favourite."))
    await history.star(picture.id, starred)
    await _refresh(callback, picture.id, history, queue, deliveries)


async def delete(
    callback: CallbackQuery, callback_data: PictureButton, history: History, deliveries: Deliveries, queue: Dispatcher
) -> None:
    """Asks first; the second press deletes."""
    picture = await own_picture(callback, history, callback_data.picture)
    if picture is None:
        return
    if callback_data.action == "delete":
        await callback.answer(cards.deleting(1))
        await deliveries.gallery.rebutton(callback.message, keyboards.confirm_picture(picture.id))
    elif callback_data.action == "keep":
        await callback.answer()
        await _refresh(callback, picture.id, history, queue, deliveries)
    else:
        await callback.answer(_("Deleted."))
        await deliveries.gallery.delete([picture], under=callback.message)


async def _refresh(
    callback: CallbackQuery, picture_id: int, history: History, queue: Dispatcher, deliveries: Deliveries
) -> None:
    """The keyboard under a single picture as it is now."""
    picture = await history.picture(picture_id)
    if picture is None:
        return
    markup = await keyboard_of(history, picture, queue.card)
    await deliveries.gallery.rebutton(callback.message, markup)


def build() -> Router:
    router = Router(name="pictures")
    press = router.callback_query
    press.register(take_out, PictureButton.filter(F.action.in_({"open", "file"})))
    press.register(refine, PictureButton.filter(F.action == "full"))
    press.register(repeat, PictureButton.filter(F.action == "repeat"))
    press.register(recipe, PictureButton.filter(F.action == "recipe"))
    press.register(star, PictureButton.filter(F.action == "star"))
    press.register(delete, PictureButton.filter(F.action.in_({"delete", "really", "keep"})))
    return router
