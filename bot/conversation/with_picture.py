"""Messages that carry a picture or answer one: a menu, a mix, a restyling, or whatever command came along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiogram import Router
from aiogram.types import Message

from bot.conversation import info
from bot.jobs.mode import Mode
from bot.jobs.origin import Origin
from bot.jobs.questions import AnswersDraft
from bot.jobs.studio import Studio
from bot.modes import source
from bot.modes.base import show_menu
from bot.modes.intent import PictureWish, picture_number, understood
from bot.modes.source import NoPicture, WhichPicture, carries_picture
from bot.store import Draft, Given, Person
from bot.store.handling import result_of, update_in_hand
from bot.telegram.albums import Albums
from bot.texts.i18n import _
from inference.requests import MAX_SOURCES

ALONE = "alone"  # drafts that keep parts of albums until the others come


async def wished(
    message: Message,
    mode: Mode[Studio] | None,
    words: str,
    addressed: bool,
    person: Person,
    studio: Studio,
    origin: Origin,
    albums: Albums,
) -> None:
    if not carries_picture(message):
        await _to_answered(studio, origin, person, message, mode, words)
        return
    parts = await albums.gather(message)
    if parts is None:
        return
    origin = replace(origin, update_id=update_in_hand(origin.update_id), reply_to=parts[0].message_id)
    if await _came_late(studio, origin, person, parts, mode, words):
        return
    earlier = await _alone_before(studio, origin, parts, mode)
    if len(parts) > 1 or earlier:
        await _album(studio, origin, person, parts, mode, words, addressed, earlier)
    elif addressed and mode is None:
        await _silent(studio, origin, person, message)
    elif addressed and mode is not None and mode.begin is not None:
        await mode.begin(studio, origin, person, await source.read(studio, message, person.id), words)


async def _to_answered(
    studio: Studio, origin: Origin, person: Person, message: Message, mode: Mode[Studio] | None, words: str
) -> None:
    """A command about the picture that the message answers; some may come without one."""
    assert mode is not None
    try:
        given = await source.answered(studio, message, person.id)
    except WhichPicture as which:
        which.command = mode.commands[0]
        said, _space, rest = words.partition(" ")
        number = picture_number(said)
        if number is None:
            raise
        given, words = await source.answered(studio, message, person.id, number), rest.strip()
    if given is not None and mode.begin is not None:
        await mode.begin(studio, origin, person, given, words)
    elif mode.begin_bare is not None:
        await mode.begin_bare(studio, origin, words)
    else:
        raise NoPicture


async def _came_late(
    studio: Studio, origin: Origin, person: Person, parts: list[Message], mode: Mode[Studio] | None, words: str
) -> bool:
    """Whether these are more parts of an album that is being put together already, and are now in it."""
    album = parts[0].media_group_id
    if album is None or (mode is not None and mode.album != "collected" and mode.joined is None):
        return False
    for one in studio.modes:
        join = await one.joined(studio, origin, album) if one.joined is not None else None
        if join is not None:
            await join(origin, [await source.read(studio, part, person.id) for part in parts], words)
            return True
    return False


async def _alone_before(studio: Studio, origin: Origin, parts: list[Message], mode: Mode[Studio] | None) -> list[Draft]:
    """Parts of the same album that each got a menu of its own, as nothing came after them for too long."""
    album = parts[0].media_group_id
    if album is None or (mode is not None and mode.album != "collected"):
        return []
    open_ones = await studio.history.sources.asking(origin.owner_id, origin.chat_id, ALONE)
    begun_here = result_of(f"draft {ALONE}")
    return [one for one in reversed(open_ones) if one.body["album"] == album and one.id != begun_here]


async def _album(
    studio: Studio,
    origin: Origin,
    person: Person,
    parts: list[Message],
    mode: Mode[Studio] | None,
    words: str,
    addressed: bool,
    earlier: list[Draft],
) -> None:
    """Several pictures at once, for modes that take them; without a word they are collected.

    The caption may stand under any of them; `earlier` are those that have had a menu already. Of more than four the
    first are taken, and whoever sent them is told so.
    """
    told = next((part for part in parts if part.caption), None)
    if told is not None and not words:
        found = await PictureWish()(told, studio.bot, studio)
        if isinstance(found, dict):
            mode, words, addressed = found["mode"], found["words"], found["addressed"]
    if not addressed:
        return
    begin = "collected" if mode is None else mode.album
    collector = next(one for one in studio.modes if one.collects is not None)
    if begin == "collected":
        begin = collector.album
    if isinstance(begin, str):
        await studio.deliveries.say(origin, _("One picture at a time for this, please. An album I can mix: /mix"))
        return
    if begin is not collector.album:
        earlier = []
    pictures = [Given.model_validate(one.body["given"]) for one in earlier]
    pictures += [await source.read(studio, part, person.id) for part in parts[: max(0, MAX_SOURCES - len(pictures))]]
    beyond = len(earlier) + len(parts) - len(pictures[:MAX_SOURCES])
    more: dict[str, Any] = {}
    if begin is collector.album:
        answered = next((part.reply_to_message for part in parts if part.reply_to_message is not None), None)
        more = {"album": parts[0].media_group_id, "answered": answered}
    await begin(studio, origin, person, pictures[:MAX_SOURCES], words, beyond, **more)
    for one in earlier:
        await studio.history.sources.change_draft(one.id, closed=True)


async def _silent(studio: Studio, origin: Origin, person: Person, message: Message) -> None:
    """A picture without a word: one more for what is being collected, or a menu, below the recipe that a file has."""
    for mode in studio.modes:
        if mode.collects is None:
            continue
        join = await mode.collects(studio, origin.owner_id, origin.chat_id, message.reply_to_message)
        if join is not None:  # found before the picture is fetched: Done may be pressed meanwhile
            await join(origin, [await source.read(studio, message, person.id)], "")
            return
    recipe = await info.in_file(studio, message.document, person.id)
    if recipe is not None:
        await info.of_file(recipe, origin, studio)
    given = await source.read(studio, message, person.id)
    if message.media_group_id is not None:
        body = {"album": message.media_group_id, "given": given.model_dump(mode="json")}
        await studio.history.sources.add_draft(origin.owner_id, origin.chat_id, ALONE, body)
    await show_menu(studio, origin, given)


async def told(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """The words that were missing have come."""
    if draft.closed_at is not None:
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    given = Given.model_validate(draft.body["given"])
    words = understood(message.text or "", studio.modes)[1] or (message.text or "")
    begin = studio.modes.named(draft.body["command"]).begin
    assert begin is not None
    await begin(studio, origin, person, given, words)


def build() -> Router:
    router = Router(name="with_picture")
    router.message.register(told, AnswersDraft("words"))
    router.message.register(wished, PictureWish())
    return router
