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
    page = await _page(origin, studio, offset=0, starred=False)
    if page is None:
        await message.reply(_none(origin))
        return
    sent = await send(studio.bot, origin.beside, page)
    await studio.history.add_post(sent.chat.id, sent.message_id, job_id=None, kind="page")


async def turn(callback: CallbackQuery, callback_data: PageButton, studio: Studio, origin: Origin) -> None:
    asked_for_favourites = callback_data.starred and not callback_data.picture  # not on the way back from a picture
    if asked_for_favourites:
        _some, favourites = await studio.history.page(
            origin.owner_id, offset=0, limit=1, starred=True, within=origin.within
        )
        if not favourites:
            await callback.answer(_("No favourites yet: press ☆ under a picture."), show_alert=True)
            return
    await callback.answer()
    await _show_page(callback, callback_data, studio, origin)


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
    callback: CallbackQuery,
    callback_data: PageButton,
    picture: StoredPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
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
    await _show_page(callback, callback_data, studio, origin)


async def _show_page(callback: CallbackQuery, wanted: PageButton, studio: Studio, origin: Origin) -> None:
    """The asked page, or the last one there is; all pictures where the last favourite has gone."""
    page = await _page(origin, studio, offset=wanted.offset, starred=wanted.starred)
    if page is None and wanted.starred:
        page = await _page(origin, studio, offset=0, starred=False)
    await _put(callback, studio, page or Screen(_none(origin), photo=Photo(collage.blank(), "empty.jpg")))


async def _put(callback: CallbackQuery, studio: Studio, screen: Screen) -> None:
    if callback.message is not None:
        await put(studio.bot, callback.message.chat.id, callback.message.message_id, screen)


async def _page(origin: Origin, studio: Studio, *, offset: int, starred: bool) -> Screen | None:
    """A page of what may be seen here, the last one where there are not so many; None where there is nothing."""

    async def found(offset: int) -> tuple[list[StoredPicture], int]:
        return await studio.history.page(
            origin.owner_id, offset=offset, limit=PAGE, starred=starred, within=origin.within
        )

    pictures, total = await found(offset)
    if not pictures and total:
        offset = (total - 1) // PAGE * PAGE
        pictures, total = await found(offset)
    if not pictures:
        return None
    counted = ngettext("{n} picture", "{n} pictures", total).format(n=total)
    shown = _("{first} to {last}").format(first=offset + 1, last=offset + len(pictures))
    text = f"{_head(origin, starred=starred)} · {counted}" + (f" · {shown}" if total > len(pictures) else "")
    numbered = [(offset + place, picture.id) for place, picture in enumerate(pictures, start=1)]
    keys = keyboards.page(origin.owner_id, numbered, offset=offset, size=PAGE, total=total, starred=starred)
    return Screen(text, keys, await _sheet(pictures, studio.blobs, offset))


def _head(origin: Origin, *, starred: bool) -> str:
    if origin.private:
        return "⭐ " + _("Your favourites") if starred else "🖼 " + _("Your pictures")
    return "⭐ " + _("Your favourites of this chat") if starred else "🖼 " + _("Your pictures of this chat")


def _none(origin: Origin) -> str:
    if origin.private:
        return _("You have no pictures yet. Tell me what to draw!")
    return _("You have no pictures in this chat yet. All your pictures: /history in our private chat.")


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
