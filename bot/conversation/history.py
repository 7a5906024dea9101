"""One's own pictures, a page at a time, in one message."""

from __future__ import annotations

import asyncio

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.imaging import collage
from bot.jobs import cards, keyboards
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.store import Person, StoredPicture
from bot.store.handling import decided
from bot.telegram.callbacks import PageButton
from bot.telegram.screen import Photo, Screen, put, send
from bot.texts.i18n import _, ngettext
from inference.blobs import BlobMissing, BlobStore

PAGE = 9


async def open_(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    pictures, total = await studio.history.page(person.id, offset=0, limit=PAGE)
    if not pictures:
        await message.reply(_("You have no pictures yet. Tell me what to draw!"))
        return
    page = await _page(person.id, pictures, 0, total, studio.blobs, starred=False)
    sent = await send(studio.bot, origin.beside, page)
    await studio.history.add_post(sent.chat.id, sent.message_id, job_id=None, kind="page")


async def turn(callback: CallbackQuery, callback_data: PageButton, person: Person, studio: Studio) -> None:
    asked_for_favourites = callback_data.starred and not callback_data.picture  # not on the way back from a picture
    if asked_for_favourites and not (await studio.history.page(person.id, offset=0, limit=1, starred=True))[1]:
        await callback.answer(_("No favourites yet: press ☆ under a picture."), show_alert=True)
        return
    await callback.answer()
    await _show_page(callback, callback_data, person, studio)


async def open_one(
    callback: CallbackQuery, callback_data: PageButton, picture: StoredPicture, person: Person, studio: Studio
) -> None:
    await callback.answer()
    try:
        photo = await studio.deliveries.gallery.photo(picture)
    except BlobMissing:
        photo = Photo(collage.blank(), "lost.jpg")
    caption = await studio.deliveries.gallery.caption(picture)
    await _put(callback, studio, Screen(caption, _opened(person, callback_data, picture), photo))


async def star(
    callback: CallbackQuery, callback_data: PageButton, picture: StoredPicture, person: Person, studio: Studio
) -> None:
    starring = await decided("starred", not picture.starred)
    await callback.answer(_("No longer a favourite.") if not starring else _("Added to favourites: /history"))
    await studio.history.star(picture.id, starring)
    starred = await studio.history.picture(picture.id)
    if starred is not None:
        await studio.deliveries.gallery.rebutton(callback.message, _opened(person, callback_data, starred))


async def delete(
    callback: CallbackQuery, callback_data: PageButton, picture: StoredPicture, person: Person, studio: Studio
) -> None:
    """Asks first; then the page comes back without the picture."""
    if callback_data.action == "delete":
        await callback.answer(cards.deleting(1))
        question = keyboards.confirm_opened(
            person.id, picture.id, offset=callback_data.offset, starred_only=callback_data.starred
        )
        await studio.deliveries.gallery.rebutton(callback.message, question)
        return
    await callback.answer(_("Deleted."))
    await studio.deliveries.gallery.delete([picture])
    await _show_page(callback, callback_data, person, studio)


async def _show_page(callback: CallbackQuery, wanted: PageButton, person: Person, studio: Studio) -> None:
    """The asked page, or the last one there is; all pictures where the last favourite has gone."""
    offset, starred = wanted.offset, wanted.starred
    pictures, total = await studio.history.page(person.id, offset=offset, limit=PAGE, starred=starred)
    if starred and not total:
        offset, starred = 0, False
        pictures, total = await studio.history.page(person.id, offset=offset, limit=PAGE)
    if not pictures and total:
        offset = (total - 1) // PAGE * PAGE
        pictures, total = await studio.history.page(person.id, offset=offset, limit=PAGE, starred=starred)
    if not pictures:
        empty = Photo(collage.blank(), "empty.jpg")
        await _put(callback, studio, Screen(_("You have no pictures yet. Tell me what to draw!"), photo=empty))
        return
    await _put(callback, studio, await _page(person.id, pictures, offset, total, studio.blobs, starred=starred))


async def _put(callback: CallbackQuery, studio: Studio, screen: Screen) -> None:
    if callback.message is not None:
        await put(studio.bot, callback.message.chat.id, callback.message.message_id, screen)


async def _page(
    owner: int, pictures: list[StoredPicture], offset: int, total: int, blobs: BlobStore, *, starred: bool
) -> Screen:
    head = "⭐ " + _("Your favourites") if starred else "🖼 " + _("Your pictures")
    counted = ngettext("{n} picture", "{n} pictures", total).format(n=total)
    shown = _("{first} to {last}").format(first=offset + 1, last=offset + len(pictures))
    text = f"{head} · {counted}" + (f" · {shown}" if total > len(pictures) else "")
    numbered = [(offset + place, picture.id) for place, picture in enumerate(pictures, start=1)]
    keys = keyboards.page(owner, numbered, offset=offset, size=PAGE, total=total, starred=starred)
    return Screen(text, keys, await _sheet(pictures, blobs, offset))


def _opened(person: Person, where: PageButton, picture: StoredPicture) -> InlineKeyboardMarkup:
    return keyboards.opened(
        person.id, picture.id, offset=where.offset, starred_only=where.starred, starred=picture.starred
    )


async def _sheet(pictures: list[StoredPicture], blobs: BlobStore, offset: int) -> Photo:
    def load(picture: StoredPicture) -> bytes | None:
        try:
            return blobs.get(picture.blob)
        except BlobMissing:
            return None

    sheet = await asyncio.to_thread(
        lambda: collage.contact_sheet([load(picture) for picture in pictures], first_number=offset + 1)
    )
    return Photo(sheet, f"history-{offset + 1}.jpg")


def build() -> Router:
    router = Router(name="history")
    router.message.register(open_, Command("history"))
    press = router.callback_query
    press.register(turn, PageButton.filter(F.action == "turn"))
    press.register(open_one, PageButton.filter(F.action == "open"))
    press.register(star, PageButton.filter(F.action == "star"))
    press.register(delete, PageButton.filter(F.action.in_({"delete", "really"})))
    return router
