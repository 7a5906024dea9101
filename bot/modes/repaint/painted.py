"""A picture that comes back with paint on it: what was painted over is what is to be repainted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiogram import Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.types import Message

from bot.imaging.alignment import AnotherPicture, Cropped, MaskError, Rotated, Shifted
from bot.imaging.decoding import PictureRefused
from bot.imaging.likeness import ASKED, GUESSED, changed_share, painted_over, shaped_alike
from bot.imaging.masks import EverythingPainted, NothingPainted
from bot.jobs.belonging import draft_shown
from bot.jobs.order import known_card
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import own_words, show_menu
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
    signatures,
)
from bot.prompt.stored import Said
from bot.store import Draft, Given, Person
from bot.telegram.filters import WithPicture
from bot.telegram.turns import LineFull
from bot.texts.i18n import _
from inference.blobs import BlobMissing

RECENT = 6  # pictures of one's own that a painted one may come from without being said so
RECENTLY_GIVEN = 3  # and photos that one has sent within the last hour
AS_NEAR = 0.02  # of the picture: by so little more or less a copy is changed by recompression, and paint on thin paint

_COMMAND = re.compile(r"^/(?:inpaint|fix)(?:@\w+)?(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True)
class _Original:
    """What may have been painted over. `draft` is our question for an area of it; `answered`: the message answers it,
    or the picture itself, and so somebody says which one is meant."""

    given: Given
    draft: Draft | None = None
    answered: bool = False


async def painted(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """Shows the area that was painted over; leaves the message to other handlers where nothing was.

    What the message answers is compared with it thoroughly, and why nothing can be made of it is said above the menu.
    In private it may also be a copy of what waits to be painted over, or of one of the last pictures drawn or sent:
    a guess, by what is known of them, that needs strong proof.
    """
    if not carries_picture(message) or message.media_group_id is not None:
        raise SkipHandler
    mode, said = understood(_COMMAND.sub("", message.caption or ""), studio.modes)
    if said.startswith("/") or (mode is not None and mode.name != "inpaint"):
        raise SkipHandler
    originals = [original async for original in _originals(studio, message, person)]
    if not originals or "inpaint" not in (await known_card(studio.queue)).kinds:
        raise SkipHandler
    copy = await _copy(studio, message, person, originals[0])
    if not originals[0].answered:
        originals = await _recognised(studio, person, originals, copy)
    for original in originals:
        try:
            mask = await _mask(studio, person, original, copy)
        except MaskError as error:
            elsewhere = isinstance(error, AnotherPicture) or (isinstance(error, NothingPainted) and message.caption)
            if original.answered and (original.draft is not None or not elsewhere):
                await show_menu(studio, origin, copy, _explained(error))
                if original.draft is not None:  # it is still the question that waits
                    await studio.history.dialogs.listen(original.draft)
                return
            continue
        except (BlobMissing, PictureRefused):
            continue
        await _show(studio, origin, original, copy, mask, said)
        return
    raise SkipHandler


async def _copy(studio: Studio, message: Message, person: Person, likeliest: _Original) -> Given:
    """The picture of a message, stored. Whoever takes the message next refuses it if nobody meant it for us."""
    try:
        return await read(studio, message, person.id)
    except PictureRefused:
        if likeliest.answered and likeliest.draft is not None:
            raise
        raise SkipHandler from None


async def _mask(studio: Studio, person: Person, original: _Original, copy: Given) -> bytes:
    """What was painted over. Raises MaskError, BlobMissing, PictureRefused, TooManyPictures."""
    try:
        async with studio.looks.turn(person.id):
            source, blob = original.given.source, copy.source.blob
            return await studio.decoder.recovered(source, blob, explain=original.answered)
    except LineFull as full:
        raise TooManyPictures from full


async def _recognised(studio: Studio, person: Person, originals: list[_Original], copy: Given) -> list[_Original]:
    """Those that the copy shows with paint on it, as far as their signatures tell; the one of which least is changed
    comes first. Of those as near as that it is what we drew, or what was sent first: whoever tries once more has sent a
    copy before, with paint that was not found."""
    shaped = [one for one in originals if shaped_alike(_size(one.given), _size(copy))]
    if not shaped:
        return []
    known = await signatures(studio, person.id, {copy.source.blob, *(one.given.source.blob for one in shaped)})
    ours = known.get(copy.source.blob, b"")

    def found() -> list[_Original]:
        proven: list[tuple[_Original, float]] = []
        for one in shaped:
            theirs = known.get(one.given.source.blob, b"")
            if painted_over(theirs, ours, GUESSED if one.draft is None else ASKED):
                proven.append((one, changed_share(theirs, ours)))
        least = min((share for _one, share in proven), default=0.0)

        def place(found: tuple[_Original, float]) -> tuple[bool, bool, bool, int]:
            one, share = found
            return one.draft is None, share > least + AS_NEAR, one.given.picture_id is None, one.given.upload_id or 0

        return [one for one, _share in sorted(proven, key=place)]

    return await asyncio.to_thread(found)


def _size(given: Given) -> tuple[int, int]:
    return given.source.width, given.source.height


async def _show(studio: Studio, origin: Origin, original: _Original, copy: Given, mask: bytes, said: str) -> None:
    words = Said.of(said, PARAMETERS)
    draft, given = original.draft, original.given
    repaint = Repaint.of(draft) if draft is not None else Repaint(given=given, own_words=await own_words(studio, given))
    await studio.room.make(origin.owner_id, len(mask))
    digest = await asyncio.to_thread(studio.blobs.put, mask)
    changes = {"cells": (), "painted": digest, "steps": 0, "copy_given": copy}
    await show(studio, origin, repaint.saying(words).model_copy(update=changes), draft)


async def _originals(studio: Studio, message: Message, person: Person) -> AsyncIterator[_Original]:
    """What the message answers, if it answers anything; else the likeliest, the surest first.

    In groups only what it answers counts, if that is ours.
    """
    sources, reply, private = studio.history.sources, message.reply_to_message, message.chat.type == "private"
    if reply is not None:
        draft = await draft_shown(sources, reply, "mask")
        if draft is not None:
            if draft.owner_id == person.id and draft.closed_at is None:
                yield _Original(Repaint.of(draft).given, draft, answered=True)
            return
        ours = reply.from_user is not None and reply.from_user.id == studio.bot.id
        given = await _answered(studio, message, person) if private or ours else None
        if given is not None:
            yield _Original(given, answered=True)
        return
    if not private:
        return
    draft = await sources.open_draft(person.id, message.chat.id, "mask", HOUR)
    if draft is not None:
        yield _Original(Repaint.of(draft).given, draft)
    for mode in studio.modes:
        if mode.collects is not None and await mode.collects(studio, person.id, message.chat.id, None) is not None:
            return  # pictures alike may be meant for that
    for upload in await sources.newest_uploads(person.id, message.chat.id, max_age=HOUR, limit=RECENTLY_GIVEN):
        yield _Original(Given.of_upload(upload))
    recent, _total = await studio.history.page(person.id, offset=0, limit=RECENT)
    for picture in recent:
        yield _Original(Given.of_picture(picture))


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
