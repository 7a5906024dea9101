"""Reactions of whoever owns a picture: ❤ makes it a favourite, 👎 asks whether to delete it, 🔥 draws it once more.

Telegram allows bots and people a fixed set of emoji as reactions; a star, a bin and an arrow are not among them. Taken
back, ❤ and 👎 undo what they did. Bots hear of reactions in private chats, and in groups where they are administrators.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiogram import Router
from aiogram.types import (
    InaccessibleMessage,
    InlineKeyboardMarkup,
    MessageReactionUpdated,
    ReactionTypeEmoji,
    ReactionTypeUnion,
    Update,
)

from bot.conversation.results import repeat
from bot.jobs import keyboards, pages
from bot.jobs.context import context_of
from bot.jobs.order import waiting_twin
from bot.jobs.origin import Origin
from bot.jobs.refusals import REFUSALS, told
from bot.jobs.studio import Studio
from bot.store import Person, StoredPicture
from bot.store.handling import update_in_hand
from bot.telegram.callbacks import JobButton

FAVOURITE, UNWANTED, AGAIN = "❤", "👎", "🔥"
_WITH_KEYS = ("grid", "single", "page")


@dataclass(frozen=True)
class Shown:
    """What a message of ours shows, at least one picture: all of a job's, or one."""

    message: InaccessibleMessage
    pictures: list[StoredPicture]
    whole: bool
    page: pages.Page | None = None


async def reacted(event: MessageReactionUpdated, person: Person, studio: Studio, event_update: Update) -> None:
    """Does what the reactions that have come or gone say, in the order of the list above."""
    before, now = _emoji(event.old_reaction), _emoji(event.new_reaction)
    came, went = now - before, before - now
    if not (came | went) & {FAVOURITE, UNWANTED, AGAIN}:
        return
    shown = await _shown(event, studio)
    if shown is None or shown.pictures[0].owner_id != person.id:
        return
    if FAVOURITE in came | went:
        for picture in shown.pictures:
            await studio.history.star(picture.id, FAVOURITE in came)
    if UNWANTED in came:
        await studio.deliveries.gallery.rebutton(shown.message, _question(shown, person))
    elif {FAVOURITE, UNWANTED} & (came | went):
        await _rekey(shown, studio)
    if AGAIN in came:
        await _again(shown, person, studio, Origin.of_reaction(event, event_update.update_id, person))


async def _shown(event: MessageReactionUpdated, studio: Studio) -> Shown | None:
    """What is written down of the message; None where it shows no picture with keys under it."""
    message = InaccessibleMessage(chat=event.chat, message_id=event.message_id, date=0)
    post = await studio.history.post(event.chat.id, event.message_id)
    if post is None or post.kind not in _WITH_KEYS:
        return None
    page = None
    picture_id = post.picture_id
    if post.kind == "page":
        page = await pages.shown(studio.history.sources, event.chat.id, event.message_id)
        picture_id = page.picture
    if picture_id is not None:
        picture = await studio.history.picture(picture_id)
        return Shown(message, [picture], whole=False, page=page) if picture is not None else None
    pictures = await studio.history.pictures_of_job(post.job_id) if post.job_id is not None else []
    return Shown(message, pictures, whole=True) if pictures else None


def _question(shown: Shown, person: Person) -> InlineKeyboardMarkup:
    """Whether to delete for good, with a way back."""
    first = shown.pictures[0]
    if shown.page is not None:
        return keyboards.confirm_opened(person.id, first.id, offset=shown.page.offset, starred_only=shown.page.starred)
    return keyboards.confirm_job(first.job_id) if shown.whole else keyboards.confirm_picture(first.id)


async def _rekey(shown: Shown, studio: Studio) -> None:
    gallery, first = studio.deliveries.gallery, shown.pictures[0]
    if shown.whole:
        await gallery.refresh(first.job_id, shown.message.chat.id, shown.message.message_id)
    else:
        await gallery.rekey(shown.message, first)


async def _again(shown: Shown, person: Person, studio: Studio, origin: Origin) -> None:
    """As the button "Again" does, not doubled while it waits; a refusal is said in words."""
    job = await studio.ledger.job(shown.pictures[0].job_id)
    if job is None:
        return
    key = JobButton(action="again", job=job.id).pack()
    twin = await waiting_twin(studio.ledger, person.id, key)
    if twin is not None and twin.update_id != update_in_hand(origin.update_id):
        return
    try:
        await repeat(job, context_of(job).parents, studio, origin, key, new_seeds=True)
    except REFUSALS as refused:
        await studio.deliveries.say(origin, told(studio.modes, refused))


def _emoji(reactions: list[ReactionTypeUnion]) -> set[str]:
    """Without the sign that asks for colour, which some clients add to a heart."""
    return {one.emoji.replace("\ufe0f", "") for one in reactions if isinstance(one, ReactionTypeEmoji)}


def build() -> Router:
    router = Router(name="reactions")
    router.message_reaction.register(reacted)
    return router
