"""🖼: what the styles of a page look like. The model at work draws them once, with one seed, for everybody; whoever asks
later has them at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Message

from bot.imaging import collage
from bot.jobs import cards
from bot.jobs.belonging import write_down
from bot.jobs.compose import Asked, Composition
from bot.jobs.context import JobContext, context_of, names_of
from bot.jobs.house import job_of_house
from bot.jobs.order import known_card
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.jobs.tools import Tools
from bot.modes.drawing import from_words
from bot.modes.style.buttons import StyleOfJob, StyleOfPicture, on_page, pages_of
from bot.modes.style.redrawing import offered_styles, side_by_side
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE, Style
from bot.store import HOUSE, Post, Preferences, StoredPicture
from bot.store.handling import decided, sent_before
from bot.telegram.refusals import classify, passes
from bot.telegram.screen import Photo, Screen, edit, send
from bot.texts.html import escape
from bot.texts.i18n import _, speaking
from bot.texts.languages import LANGUAGES, Language
from inference.blobs import BlobMissing, BlobStore
from inference.queue.jobs import Job
from inference.requests import Finished, ModelCard

log = logging.getLogger(__name__)

SEED = 7
LAYOUT = 1  # of the sheet: another number has all of them drawn anew
FROM_WORDS = ("flash", "full")
MOST_KEPT = 1000  # pictures of the house that are looked through for old ones


@dataclass(frozen=True)
class Samples:
    """What a sheet of samples is drawn by, and the key that is another one for another checkpoint, other styles and
    another language."""

    made: Composition
    key: str


def samples_of(card: ModelCard, shown: Sequence[Style], language: Language) -> Samples | None:
    """Samples of these styles: the first example of the card in each. None where there are too few styles, or nothing
    that this model draws from words."""
    kind = next((kind for kind in FROM_WORDS if kind in card.kinds), None)
    if kind is None or len(shown) < 2:
        return None
    with speaking(language if language in card.of(kind).languages else "en"):
        subject = next(iter(cards.examples(card)), None)
    if subject is None:
        return None
    line = PromptLine(subject, ar=(1, 1), seed=SEED, n=1, style=PLAIN_STYLE)
    made = side_by_side(from_words(Asked(line, Preferences(), card)), shown, card)
    slugs = [style.slug for style in shown]
    drawn_by = [LAYOUT, language, card.label.en, card.revisions, slugs, made.request.model_dump(mode="json")]
    digest = hashlib.sha256(json.dumps(drawn_by, sort_keys=True).encode()).hexdigest()
    return Samples(made, f"samples:{digest[:40]}")


async def show(
    callback: CallbackQuery,
    callback_data: StyleOfJob | StyleOfPicture,
    studio: Studio,
    origin: Origin,
    job: Job | None = None,
    picture: StoredPicture | None = None,
) -> None:
    """Shows the samples of a page, or a message that they will stand in once they are drawn. Raises EngineAway and
    OutOfOrder."""
    card, of_words = await known_card(studio.queue), job is not None or picture is not None
    shown = on_page(offered_styles(card, plain=of_words), callback_data.page)
    samples = samples_of(card, shown, origin.language)
    if samples is None:
        await callback.answer(_("The model at work knows too few styles to compare them."), show_alert=True)
        return
    made = samples.made
    context = JobContext(language=origin.language, line=made.line, styles=made.styles, key=samples.key)
    drawing = await job_of_house(studio, origin.update_id, made.request, context)
    ended = await decided("samples are drawn", drawing.shown_at is not None)
    waiting = await studio.history.statuses(drawing.id, origin.chat_id)
    if waiting and not ended and not any(sent_before(post.message_id) for post in waiting):
        await callback.answer(_("I am drawing them already."))
        return
    await callback.answer()
    if ended and waiting:  # too late to be known when they were brought, and then something went wrong
        await bring(studio, drawing)
    if ended:
        await _show_drawn(studio, origin, drawing)
        return
    text = _("I am drawing samples of these styles, once for everybody. They will stand here.")
    message = await send(studio.bot, origin.place, Screen(f"🖼 {text}"))
    await write_down(studio.history, message, kind="status", job_id=drawing.id)
    now = await studio.ledger.job(drawing.id)
    if now is not None and now.settled:  # perhaps before this message was known to wait for it
        await bring(studio, now)


async def _show_drawn(studio: Studio, origin: Origin, job: Job) -> None:
    """Points to where the samples stand in this chat, or sends them."""
    post = await studio.history.find_post(kind="grid", job_id=job.id, chat_id=origin.chat_id)
    if post is not None and sent_before(post.message_id):
        return
    if post is not None and await studio.deliveries.gallery.point_to(post, _("The samples are here.")):
        return
    screen = await _screen(studio, job, await studio.history.pictures_of_job(job.id))
    message = await send(studio.bot, origin.place, screen)
    if screen.photo is not None:
        await write_down(studio.history, message, kind="grid", job_id=job.id)


async def bring(tools: Tools, job: Job) -> None:
    """Puts the samples, or why there are none, into every message that waits for them. Raises what may pass."""
    pictures: list[StoredPicture] = []
    if isinstance(job.outcome, Finished):
        pictures = await tools.history.add_pictures(job, job.outcome, ())
    failed: TelegramAPIError | None = None
    with speaking(context_of(job).language):
        for post in await tools.history.statuses(job.id):
            try:
                await _put(tools, job, post, await _screen(tools, job, pictures))
            except TelegramAPIError as refused:  # the others need not wait for this one
                failed = refused
    if failed is not None:
        raise failed
    if pictures:
        await _forget_old(tools)


async def _put(tools: Tools, job: Job, post: Post, screen: Screen) -> None:
    """Makes a message that waits look like this; it waits no more. Raises what may pass."""
    try:
        edited = await tools.bot(edit(post.chat_id, post.message_id, screen))
    except TelegramAPIError as refused:
        if passes(classify(refused)):
            raise
        log.info("chat %d does not take samples: %s", post.chat_id, refused)
        await tools.history.forget_post(post.chat_id, post.message_id)
        return
    if screen.photo is None:
        await tools.history.forget_post(post.chat_id, post.message_id)
        return
    there = edited if isinstance(edited, Message) else (post.chat_id, post.message_id)
    await write_down(tools.history, there, kind="grid", job_id=job.id)


async def _screen(tools: Tools, job: Job, pictures: Sequence[StoredPicture]) -> Screen:
    """What the samples look like; words where they could not be drawn, or their files are gone."""
    known = await tools.history.find_post(kind="grid", job_id=job.id)
    photo: Photo | str | None = known.file_id if known is not None else None
    try:
        if photo is None and pictures:
            names = names_of(job)
            called = [names[picture.tile] for picture in pictures]
            photo = Photo(await asyncio.to_thread(_sheet, tools.blobs, pictures, called), f"samples-{job.id}.jpg")
    except BlobMissing:
        log.exception("the samples of job %d have lost their files", job.id)
    if photo is None:
        return Screen("🤷 " + _("I could not draw the samples. Please tap 🖼 again in a while."))
    title = "🖼 <b>" + _("Samples of styles") + "</b>"
    return Screen(f"{title}\n<i>{escape(job.request.words)}</i>", photo=photo)


def _sheet(blobs: BlobStore, pictures: Sequence[StoredPicture], called: Sequence[str]) -> bytes:
    """The pictures side by side with their names, as JPEG. Raises BlobMissing."""
    return collage.grid([blobs.get(picture.blob) for picture in pictures], called)


async def _forget_old(tools: Tools) -> None:
    """Deletes the samples that the model at work would draw otherwise; their files go with the next sweep, so that
    whoever is just showing them loses none."""
    card = tools.queue.card
    if card is None:
        return
    pages = [page for plain in (True, False) for page in pages_of(offered_styles(card, plain=plain))]
    found = [samples_of(card, page, language) for page in pages for language in LANGUAGES]
    current = {samples.key for samples in found if samples is not None}
    kept, _count = await tools.history.page(HOUSE, offset=0, limit=MOST_KEPT)
    for job_id in {picture.job_id for picture in kept}:
        job = await tools.ledger.job(job_id)
        if job is not None and job.key in current:
            continue
        for picture in await tools.history.pictures_of_job(job_id):
            await tools.history.delete(picture.id)
