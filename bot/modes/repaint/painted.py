"""A picture that comes back with paint on it: what was painted over is what is to be repainted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from aiogram import Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.types import Message

from bot.imaging.alignment import AnotherPicture, Cropped, MaskError, Rotated, Shifted
from bot.imaging.decoding import PictureRefused
from bot.imaging.masks import EverythingPainted, NothingPainted
from bot.jobs.belonging import draft_shown
from bot.jobs.order import known_card
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import own_words
from bot.modes.intent import understood
from bot.modes.repaint.asking import HOUR, show
from bot.modes.repaint.composing import PARAMETERS
from bot.modes.repaint.repainting import Repaint
from bot.modes.source import (
    TooManyPictures,
    WhichPicture,
    answered,
    carries_picture,
    read,
)
from bot.prompt.stored import Said
from bot.store import Draft, Given, Person
from bot.telegram.filters import WithPicture
from bot.telegram.turns import LineFull
from bot.texts.i18n import _
from inference.blobs import BlobMissing
from inference.requests import Source

RECENT = 6  # pictures of one's own that a painted one may come from without being said so
RECENTLY_GIVEN = 3  # and photos that one has sent within the last hour
SAME_SHAPE = 0.03

_COMMAND = re.compile(r"^/(?:inpaint|fix)(?:@\w+)?(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True)
class _Candidate:
    """What may have been painted over, and when to say why nothing can be made of it: always, if it is at least a copy
    of the same picture, or never."""

    given: Given
    draft: Draft | None = None
    explain: Literal["always", "copies", "never"] = "never"


async def painted(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """Shows the area that was painted over; leaves the message to other handlers where nothing was.

    In private the original is what the message answers, what waits to be painted over, or one of the last pictures
    drawn or sent; in groups only what the message answers, if that is ours.
    """
    if not carries_picture(message) or message.media_group_id is not None:
        raise SkipHandler
    mode, said = understood(_COMMAND.sub("", message.caption or ""), studio.modes)
    if said.startswith("/") or (mode is not None and mode.name != "inpaint"):
        raise SkipHandler
    candidates = [candidate async for candidate in _candidates(studio, message, person)]
    if not candidates or "inpaint" not in (await known_card(studio.queue)).kinds:
        raise SkipHandler
    copy = await _copy(studio, message, person, candidates)
    for candidate in candidates:
        source = candidate.given.source
        alike = abs(copy.width * source.height / (copy.height * source.width) - 1) < SAME_SHAPE
        if candidate.explain == "never" and not alike:
            continue
        try:
            async with studio.looks.turn(person.id):
                mask = await studio.decoder.recovered(source, copy.blob, explain=candidate.explain != "never")
        except LineFull as full:
            raise TooManyPictures from full
        except BlobMissing:
            continue
        except PictureRefused:
            if candidate.explain == "always":
                raise
            continue
        except MaskError as error:
            elsewhere = isinstance(error, AnotherPicture) or (isinstance(error, NothingPainted) and message.caption)
            if candidate.explain == "always" or (candidate.explain == "copies" and not elsewhere):
                await studio.deliveries.say(origin, _explained(error))
                return
            continue
        await _show(studio, origin, candidate, mask, said)
        return
    raise SkipHandler


async def _copy(studio: Studio, message: Message, person: Person, candidates: list[_Candidate]) -> Source:
    """The picture of a message, stored. Whoever takes the message next refuses it if nobody meant it for us."""
    try:
        return (await read(studio, message, person.id)).source
    except PictureRefused:
        if candidates[0].explain == "always":
            raise
        raise SkipHandler from None


async def _show(studio: Studio, origin: Origin, candidate: _Candidate, mask: bytes, said: str) -> None:
    words = Said.of(said, PARAMETERS)
    draft, given = candidate.draft, candidate.given
    repaint = Repaint.of(draft) if draft is not None else Repaint(given=given, own_words=await own_words(studio, given))
    await studio.room.make(origin.owner_id, len(mask))
    digest = await asyncio.to_thread(studio.blobs.put, mask)
    changes = {"cells": (), "painted": digest, "steps": 0}
    await show(studio, origin, repaint.saying(words).model_copy(update=changes), draft)


async def _candidates(studio: Studio, message: Message, person: Person) -> AsyncIterator[_Candidate]:
    """The likeliest originals, the surest first."""
    sources, reply, private = studio.history.sources, message.reply_to_message, message.chat.type == "private"
    if reply is not None:
        draft = await draft_shown(sources, reply, "mask")
        if draft is not None:
            if draft.owner_id == person.id and draft.closed_at is None:
                yield _Candidate(Repaint.of(draft).given, draft, explain="always")
            return
        ours = reply.from_user is not None and reply.from_user.id == studio.bot.id
        given = await _answered(studio, message, person) if private or ours else None
        if given is not None:
            yield _Candidate(given, explain="copies")
        return
    if not private:
        return
    draft = await sources.open_draft(person.id, message.chat.id, "mask", HOUR)
    if draft is not None:
        yield _Candidate(Repaint.of(draft).given, draft, explain="copies")
    for mode in studio.modes:
        if mode.collects is not None and await mode.collects(studio, person.id, message.chat.id) is not None:
            return  # pictures alike may be meant for that
    for upload in await sources.newest_uploads(person.id, message.chat.id, max_age=HOUR, limit=RECENTLY_GIVEN):
        yield _Candidate(Given.of_upload(upload))
    recent, _total = await studio.history.page(person.id, offset=0, limit=RECENT)
    for picture in recent:
        yield _Candidate(Given.of_picture(picture))


async def _answered(studio: Studio, message: Message, person: Person) -> Given | None:
    try:
        return await answered(studio, message, person.id)
    except (WhichPicture, PictureRefused):  # whoever takes this message next says so, if it matters to them
        return None


def _explained(error: MaskError) -> str:
    """What has happened to the copy, and what to do."""
    again = " " + _("Please open the picture above again, only paint over it, and send it back.")
    match error:
        case Cropped():
            return "✂️ " + _("This picture is cropped, so I cannot tell which part you mean.") + again
        case Shifted():
            return "↔️ " + _("This picture lies elsewhere in its frame, as in a screenshot.") + again
        case Rotated():
            return "🔄 " + _("This picture is turned or mirrored.") + again
        case NothingPainted():
            return "🖌 " + _("I see no paint on this picture. A bright colour and a thick brush work best.") + again
        case EverythingPainted():
            return "🖌 " + _("Nearly everything is painted over. Leave something of the picture to go by.") + again
        case AnotherPicture():
            return "🤔 " + _("This looks like another picture, or there is too much paint on it.") + again
    raise TypeError(f"no words for {error!r}")


def build() -> Router:
    router = Router(name="painted")
    router.message.register(painted, WithPicture())
    return router
