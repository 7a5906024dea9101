"""The recipe of a picture: of a message of ours, of a forwarded one, or out of a PNG file."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import BaseFilter, Command
from aiogram.types import CallbackQuery, Document, Message, Update

from bot.conversation.family import parent_lines
from bot.jobs import cards, keyboards
from bot.jobs.belonging import post_of
from bot.jobs.compose import missing
from bot.jobs.delivery import Deliveries
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, context_of, known_card, line_of, line_of_request, take_in
from bot.jobs.ownership import ordering_once
from bot.modes import rewriting
from bot.modes.pictures_in import carries_picture
from bot.prompt import write
from bot.store import History, Person, Post
from bot.telegram.callbacks import FileRecipeButton
from bot.telegram.fetching import CutOff, FileTooBig
from bot.telegram.filters import InPrivate, WithDocument
from bot.telegram.turns import LineFull
from bot.texts.i18n import _
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger
from inference.requests import AnyRequest, Inpaint, Recipe


async def info(
    message: Message,
    person: Person,
    event_update: Update,
    desk: Desk,
    history: History,
    ledger: Ledger,
    deliveries: Deliveries,
) -> None:
    """Tells the recipe of the message that /info answers."""
    origin = Origin.of_message(message, event_update.update_id, person)
    asked = message.reply_to_message
    if asked is None:
        await deliveries.say(origin, "ℹ️ " + _("Reply to one of my pictures with /info, or send me its PNG file."))
        return
    post = await _post_of(asked, person, history)
    if post is not None and await _of_post(post, origin, history, ledger, deliveries):
        return
    recipe = await in_file(desk, asked.document, person.id)
    if recipe is not None:
        await of_file(recipe, replace(origin, reply_to=asked.message_id), deliveries)
        return
    await deliveries.say(origin, "🤷 " + _("I find no recipe here. Every picture I draw has one."))


class NoPicture(BaseFilter):
    """A file that is no picture to work from."""

    async def __call__(self, message: Message) -> bool:
        return not carries_picture(message)


async def file(message: Message, person: Person, event_update: Update, desk: Desk, deliveries: Deliveries) -> None:
    """A file that comes without words, in private."""
    origin = Origin.of_message(message, event_update.update_id, person)
    recipe = await in_file(desk, message.document, person.id)
    if recipe is not None:
        await of_file(recipe, origin, deliveries)
        return
    await deliveries.say(
        origin, "🤷 " + _("This file is no picture I can read. Send a photo, or tell me what you want to see.")
    )


async def repeat(
    callback: CallbackQuery,
    person: Person,
    event_update: Update,
    desk: Desk,
    queue: Dispatcher,
    ledger: Ledger,
    history: History,
    deliveries: Deliveries,
) -> None:
    """Draws the recipe of the file that the card answers; the file itself is its only memory.

    Anybody may hold such a file, so pictures that it was made from are taken only if they are the presser's own.
    """
    card_message = callback.message
    source = card_message.reply_to_message if isinstance(card_message, Message) else None
    if card_message is None or source is None or source.document is None:
        await callback.answer(_("The file is gone. Please send it again."), show_alert=True)
        return
    key = f"file:{card_message.chat.id}:{card_message.message_id}"
    async with ordering_once(callback, person, key, ledger, deliveries) as free:
        if not free:
            return
        await callback.answer()
        recipe = await in_file(desk, source.document, person.id)
        origin = Origin.of_press(callback, event_update.update_id, person)
        if recipe is None:
            await deliveries.say(origin, _("The file is gone. Please send it again."))
            return
        card = await known_card(queue)
        if not card.can(recipe.request):
            raise missing(card, recipe.request.needs)
        made_from = _made_from(recipe.request)
        owned = await history.sources.owned(person.id, made_from)
        if not owned.keys() >= set(made_from):
            await deliveries.say(
                origin, "🤷 " + _("It was made from a picture that I do not have from you, so I cannot repeat it.")
            )
            return
        request = recipe.request.model_copy(update={"seeds": (recipe.seed,)})
        line = line_of_request(recipe.request, recipe.tile)
        parents = tuple(owned[blob] for blob in made_from)
        await take_in(ledger, deliveries, origin, request, line, action="repeat", key=key, parents=parents)


async def _post_of(message: Message, person: Person, history: History) -> Post | None:
    """What we know of a message: posted here by us, or a forwarded picture of the asker's own."""
    post = await post_of(history, message)
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


async def _of_post(post: Post, origin: Origin, history: History, ledger: Ledger, deliveries: Deliveries) -> bool:
    if post.picture_id is not None:
        picture = await history.picture(post.picture_id)
        if picture is None:
            return False
        line = await deliveries.gallery.line(picture)
        text = cards.recipe(
            line,
            picture.recipe,
            job_id=picture.job_id,
            parents=await parent_lines(history, picture.id),
            origins=await deliveries.gallery.origins(picture),
        )
        await deliveries.say(origin, text, keyboards.recipe(write(line), picture=picture.id))
        return True
    job = await ledger.job(post.job_id) if post.job_id is not None else None
    pictures = await history.pictures_of_job(job.id) if job is not None else []
    if job is None or not pictures:
        return False
    line = line_of(job)
    origins = rewriting.origins(line, job.request, context_of(job).own_words)
    parents = await parent_lines(history, pictures[0].id)
    text = cards.recipe(
        line, pictures[0].recipe, job_id=job.id, seeds=job.request.seeds, parents=parents, origins=origins
    )
    await deliveries.say(origin, text, keyboards.recipe(write(line), job_id=job.id))
    return True


def _made_from(request: AnyRequest) -> tuple[str, ...]:
    """Digests of the pictures that a request works from; a mask is none."""
    return request.sources[:1] if isinstance(request, Inpaint) else request.sources


async def of_file(recipe: Recipe, origin: Origin, deliveries: Deliveries) -> None:
    line = line_of_request(recipe.request, recipe.tile)
    await deliveries.say(origin, cards.recipe(line, recipe), keyboards.recipe(write(line)))


async def in_file(desk: Desk, document: Document | None, person_id: int) -> Recipe | None:
    """The recipe in a PNG that Telegram lets us download, else None."""
    if document is None or document.mime_type != "image/png":
        return None
    try:
        async with desk.files.fetched(document, person_id) as path:
            return await desk.decoder.recipe(path)
    except (TelegramBadRequest, CutOff, FileTooBig, LineFull):
        return None


def build() -> Router:
    router = Router(name="info")
    router.message.register(info, Command("info"))
    router.message.register(file, InPrivate(), WithDocument(), NoPicture())
    router.callback_query.register(repeat, FileRecipeButton.filter())
    return router
