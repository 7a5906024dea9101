"""One's own pictures, a page at a time, in one message."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.imaging import collage
from bot.jobs import cards, keyboards, pages
from bot.jobs.origin import Origin
from bot.jobs.pages import Page
from bot.jobs.shown import keys_of
from bot.jobs.studio import Studio
from bot.store import Person, StoredPicture
from bot.store.handling import decided
from bot.telegram.callbacks import PageButton
from bot.telegram.screen import Photo, Screen, put, send
from bot.texts.html import escape, shortened
from bot.texts.i18n import _, ngettext
from inference.blobs import BlobMissing, BlobStore

PAGE = 9
MOST_CHARS = 100  # of the words to look for


async def open_(
    message: Message, person: Person, studio: Studio, origin: Origin, command: CommandObject | None = None
) -> None:
    """The first page; of those with the words after the command, where there are any."""
    words = shortened(" ".join((command.args or "").split()), MOST_CHARS) if command is not None else ""
    page = await _screen(origin, studio, Page(words=words))
    if page is None:
        await studio.deliveries.say(origin, _none(origin, words))
        return
    sources = studio.history.sources
    draft = await pages.begin(sources, origin.owner_id, origin.chat_id, Page(words=words))
    sent = await send(studio.bot, origin.beside, page)
    await sources.place_draft(draft.id, sent.message_id)
    await studio.history.add_post(sent.chat.id, sent.message_id, job_id=None, kind="page")


async def turn(callback: CallbackQuery, callback_data: PageButton, studio: Studio, origin: Origin) -> None:
    page = await _wanted(callback, callback_data, studio)
    asked_for_favourites = page.starred and not callback_data.picture  # not on the way back from a picture
    if asked_for_favourites and await _screen(origin, studio, page) is None:
        await callback.answer(_("No favourites yet: press ☆ under a picture."), show_alert=True)
        return
    await callback.answer()
    await _show_page(callback, page, studio, origin)


async def open_one(
    callback: CallbackQuery, callback_data: PageButton, picture: StoredPicture, person: Person, studio: Studio
) -> None:
    """One picture with all that can be made of it, and the way back."""
    await callback.answer()
    try:
        photo = await studio.deliveries.gallery.photo(picture)
    except BlobMissing:
        photo = Photo(collage.blank(), "lost.jpg")
    caption = await studio.deliveries.gallery.caption(picture)
    page = replace(await _wanted(callback, callback_data, studio), picture=picture.id)
    if callback.message is not None:
        await pages.change(studio.history.sources, person.id, callback.message, page)
        under = callback.message.chat.id, callback.message.message_id
        await _put(callback, studio, Screen(caption, await keys_of(studio, picture, under=under), photo))


async def star(
    callback: CallbackQuery, callback_data: PageButton, picture: StoredPicture, person: Person, studio: Studio
) -> None:
    starring = await decided("starred", not picture.starred)
    await callback.answer(_("No longer a favourite.") if not starring else _("Added to favourites: /history"))
    await studio.history.star(picture.id, starring)
    if callback.message is not None:
        page = replace(await _wanted(callback, callback_data, studio), picture=picture.id)
        await pages.change(studio.history.sources, person.id, callback.message, page)
    await studio.deliveries.gallery.rekey(callback.message, picture)


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
    await _show_page(callback, await _wanted(callback, callback_data, studio), studio, origin)


async def _wanted(callback: CallbackQuery, button: PageButton, studio: Studio) -> Page:
    """The page that a button stands for, looked for by the words that its message was asked for with."""
    message = callback.message
    known = await pages.shown(studio.history.sources, message.chat.id, message.message_id) if message else Page()
    return Page(words=known.words, offset=button.offset, starred=button.starred)


async def _show_page(callback: CallbackQuery, wanted: Page, studio: Studio, origin: Origin) -> None:
    """The asked page, or the last one there is; all pictures where the last favourite has gone."""
    page = await _screen(origin, studio, wanted)
    if page is None and wanted.starred:
        wanted = Page(words=wanted.words)
        page = await _screen(origin, studio, wanted)
    if callback.message is not None:
        await pages.change(studio.history.sources, origin.owner_id, callback.message, wanted)
    nothing = Screen(_none(origin, wanted.words), photo=Photo(collage.blank(), "empty.jpg"))
    await _put(callback, studio, page or nothing)


async def _put(callback: CallbackQuery, studio: Studio, screen: Screen) -> None:
    if callback.message is not None:
        await put(studio.bot, callback.message.chat.id, callback.message.message_id, screen)


async def _screen(origin: Origin, studio: Studio, page: Page) -> Screen | None:
    """A page of what may be seen here, the last one where there are not so many; None where there is nothing."""

    async def found(offset: int) -> tuple[list[StoredPicture], int]:
        return await studio.history.page(
            origin.owner_id, offset=offset, limit=PAGE, starred=page.starred, within=origin.within, words=page.words
        )

    offset = page.offset
    pictures, total = await found(offset)
    if not pictures and total:
        offset = (total - 1) // PAGE * PAGE
        pictures, total = await found(offset)
    if not pictures:
        return None
    counted = ngettext("{n} picture", "{n} pictures", total).format(n=total)
    shown = _("{first} to {last}").format(first=offset + 1, last=offset + len(pictures))
    text = f"{_head(origin, page)} · {counted}" + (f" · {shown}" if total > len(pictures) else "")
    numbered = [(offset + place, picture.id) for place, picture in enumerate(pictures, start=1)]
    keys = keyboards.page(origin.owner_id, numbered, offset=offset, size=PAGE, total=total, starred=page.starred)
    return Screen(text, keys, await _sheet(pictures, studio.blobs, offset))


def _head(origin: Origin, page: Page) -> str:
    if page.words:
        return ("⭐" if page.starred else "🗂") + " " + _("“{word}”").format(word=escape(page.words))
    if origin.private:
        return "⭐ " + _("Your favourites") if page.starred else "🖼 " + _("Your pictures")
    return "⭐ " + _("Your favourites of this chat") if page.starred else "🖼 " + _("Your pictures of this chat")


def _none(origin: Origin, words: str) -> str:
    if words:
        return "🗂 " + _("I find no picture of yours with “{words}”. All of them: /history").format(words=escape(words))
    if origin.private:
        return _("You have no pictures yet. Tell me what to draw!")
    return _("You have no pictures in this chat yet. All your pictures: /history in our private chat.")


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
