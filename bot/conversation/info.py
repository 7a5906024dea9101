"""The recipe of a picture: of a message of ours, of a forwarded one, or out of a PNG file."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import BaseFilter, Command
from aiogram.types import CallbackQuery, Document, Message

from bot.conversation.copying import sayable
from bot.conversation.pictures import tell_recipe
from bot.conversation.results import tell_recipe_of_job
from bot.jobs import cards, keyboards, pages
from bot.jobs.belonging import post_of
from bot.jobs.compose import Composition, missing
from bot.jobs.order import known_card, order
from bot.jobs.origin import Origin
from bot.jobs.ownership import in_line_already
from bot.jobs.studio import Studio
from bot.modes.base import show_menu
from bot.modes.source import carries_picture, read
from bot.store import History, Person, Post
from bot.telegram.callbacks import FileRecipeButton
from bot.telegram.fetching import CutOff, FileTooBig
from bot.telegram.filters import InPrivate, WithDocument
from bot.telegram.turns import LineFull
from bot.texts.i18n import _
from inference.requests import Recipe


async def info(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """Tells the recipe of the picture that /info comes with, or of the message that it answers; below that of a file,
    what can be done with it."""
    asked = message if message.photo or message.document else message.reply_to_message
    if asked is None:
        await studio.deliveries.say(
            origin, "ℹ️ " + _("Reply to one of my pictures with /info, or send me its PNG file.")
        )
        return
    post = await _post_of(asked, person, studio.history)
    if post is not None and await _of_post(post, person, studio, origin):
        return
    recipe = await in_file(studio, asked.document, person.id)
    if recipe is not None:
        origin = replace(origin, reply_to=asked.message_id)
        await of_file(recipe, origin, studio)
        await show_menu(studio, origin, await read(studio, asked, person.id))
        return
    await studio.deliveries.say(origin, "🤷 " + _("I find no recipe here. Every picture I draw has one."))


class NoPicture(BaseFilter):
    """A file that is no picture to work from."""

    async def __call__(self, message: Message) -> bool:
        return not carries_picture(message)


async def file(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """A file that comes without words, in private."""
    recipe = await in_file(studio, message.document, person.id)
    if recipe is not None:
        await of_file(recipe, origin, studio)
        return
    await studio.deliveries.say(
        origin, "🤷 " + _("This file is no picture I can read. Send a photo, or tell me what you want to see.")
    )


async def repeat(
    callback: CallbackQuery, callback_data: FileRecipeButton, person: Person, studio: Studio, origin: Origin
) -> None:
    """Draws the recipe of the file that the card answers; the file itself is its only memory.

    Anybody may hold such a file, so pictures that it was made from are taken only if they are the presser's own.
    """
    card_message = callback.message
    source = card_message.reply_to_message if isinstance(card_message, Message) else None
    if card_message is None or source is None or source.document is None:
        await callback.answer(_("The file is gone. Please send it again."), show_alert=True)
        return
    key = callback_data.key(card_message.chat.id, card_message.message_id)
    if await in_line_already(callback, studio, person, key):
        return
    recipe = await in_file(studio, source.document, person.id)
    if recipe is None:
        await studio.deliveries.say(origin, _("The file is gone. Please send it again."))
        return
    request, card = recipe.request, await known_card(studio.queue)
    if not card.can(request):
        raise missing(card, request.needs)
    made_from = request.pictures
    owned = await studio.history.sources.owned(person.id, made_from)
    if not owned.keys() >= set(made_from):
        await studio.deliveries.say(
            origin, "🤷 " + _("It was made from a picture that I do not have from you, so I cannot repeat it.")
        )
        return
    made = Composition(recipe.alone, studio.modes.line(request, recipe.tile), ())
    await order(studio, origin, made, parents=tuple(owned[blob] for blob in made_from), key=key)


async def _post_of(message: Message, person: Person, history: History) -> Post | None:
    """What we know of a message: posted here by us, or a forwarded picture of the asker's own."""
    post = await post_of(history, message)
    if post is not None and post.kind == "page":
        page = await pages.shown(history.sources, message.chat.id, message.message_id)
        return replace(post, picture_id=page.picture)
    if post is not None:
        return post
    unique = message.photo[-1].file_unique_id if message.photo else None
    if message.document is not None:
        unique = message.document.file_unique_id
    post = await history.post_of_file(unique) if unique else None
    if post is None or post.job_id is None:
        return None
    pictures = await history.pictures_of_job(post.job_id)
    return post if pictures and pictures[0].owner_id == person.id else None


async def _of_post(post: Post, person: Person, studio: Studio, origin: Origin) -> bool:
    """Tells the recipe of what a message shows, or that its owner keeps it; False where it shows nothing any more."""
    picture = await studio.history.picture(post.picture_id) if post.picture_id is not None else None
    job = await studio.ledger.job(post.job_id) if picture is None and post.job_id is not None else None
    pictures = [picture] if picture is not None else await studio.history.pictures_of_job(job.id) if job else []
    if not pictures:
        return False
    if pictures[0].owner_id != person.id and not await studio.history.shares(pictures[0].owner_id):
        await studio.deliveries.say(origin, "🙈 " + _("Whoever asked for this picture keeps its recipe to themselves."))
    elif job is not None:
        await tell_recipe_of_job(job, pictures[0], studio, origin)
    else:
        await tell_recipe(pictures[0], studio, origin)
    return True


async def of_file(recipe: Recipe, origin: Origin, studio: Studio) -> None:
    line = studio.modes.line(recipe.request, recipe.tile)
    copied = sayable(line, recipe.alone, studio.queue.card)
    await studio.deliveries.say(
        origin, cards.recipe(studio.modes, line, recipe, copied=copied), keyboards.recipe(copied)
    )


async def in_file(studio: Studio, document: Document | None, person_id: int) -> Recipe | None:
    """The recipe in a PNG that Telegram lets us download, else None."""
    if document is None or not _may_be_png(document):
        return None
    try:
        async with studio.files.fetched(document, person_id) as path:
            return await studio.decoder.recipe(path)
    except (TelegramBadRequest, CutOff, FileTooBig, LineFull):
        return None


def _may_be_png(document: Document) -> bool:
    return document.mime_type == "image/png" or (document.file_name or "").lower().endswith(".png")


def build() -> Router:
    router = Router(name="info")
    router.message.register(info, Command("info"))
    router.message.register(file, InPrivate(), WithDocument(), NoPicture())
    router.callback_query.register(repeat, FileRecipeButton.filter())
    return router
