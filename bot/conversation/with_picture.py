"""Messages that carry a picture or answer one: a menu, a mix, a restyling, or whatever command came along."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.types import Message

from bot.conversation import info
from bot.jobs.origin import Origin
from bot.jobs.questions import AnswersDraft
from bot.jobs.studio import Studio
from bot.modes import buttons as workbench
from bot.modes import source as pictures_in
from bot.modes import works
from bot.modes.base import offered
from bot.modes.intent import PictureWish, picture_number, understood
from bot.modes.mix import mixing
from bot.modes.source import NoPicture, WhichPicture, carries_picture
from bot.prompt import Command
from bot.store import Draft, Given, Person
from bot.store.handling import update_in_hand
from bot.telegram.albums import Albums
from bot.texts.i18n import _
from inference.requests import MAX_SOURCES


async def wished(
    message: Message,
    command: Command | None,
    words: str,
    addressed: bool,
    person: Person,
    studio: Studio,
    origin: Origin,
    albums: Albums,
) -> None:
    if not carries_picture(message):
        await _to_answered(studio, origin, person, message, command, words)
        return
    parts = await albums.gather(message)
    if parts is None:
        return
    origin = replace(origin, update_id=update_in_hand(origin.update_id))
    if len(parts) > 1:
        await _album(studio, origin, person, parts, command, words, addressed)
    elif addressed and command is None:
        await _silent(studio, origin, person, message)
    elif addressed and command is not None:
        given = await pictures_in.read(studio, message, person.id)
        await works.begin(studio, origin, person, command, given, words)


async def _to_answered(
    studio: Studio, origin: Origin, person: Person, message: Message, command: Command | None, words: str
) -> None:
    """A command about the picture that the message answers; /mix may come without one and collect."""
    assert command is not None
    try:
        given = await pictures_in.answered(studio, message, person.id)
    except WhichPicture:
        said, _space, rest = words.partition(" ")
        number = picture_number(said)
        if number is None:
            raise
        given, words = await pictures_in.answered(studio, message, person.id, number), rest.strip()
    if given is not None:
        await works.begin(studio, origin, person, command, given, words)
    elif command == "mix":
        await mixing.open_(studio, origin, [], words, collecting=True)
    else:
        raise NoPicture


async def _album(
    studio: Studio,
    origin: Origin,
    person: Person,
    parts: list[Message],
    command: Command | None,
    words: str,
    addressed: bool,
) -> None:
    """Two to four pictures are a mix, with /control a transfer of style. The caption may stand under any of them.

    Of more the first four are taken, and whoever sent them is told so.
    """
    told = next((part for part in parts if part.caption), None)
    if told is not None and not words:
        found = await PictureWish()(told, studio.bot)
        if isinstance(found, dict):
            command, words, addressed = found["command"], found["words"], found["addressed"]
    if not addressed:
        return
    if command not in (None, "mix", "restyle", "control"):
        await studio.deliveries.say(origin, _("One picture at a time for this, please. An album I can mix: /mix"))
        return
    pictures = [await pictures_in.read(studio, part, person.id) for part in parts[:MAX_SOURCES]]
    left_out = len(parts) - len(pictures)
    if command == "control":
        await works.transfer_style(studio, origin, person, pictures, words, left_out)
        return
    draft = await mixing.collecting(studio, origin)
    if draft is not None and not words:
        await mixing.add(studio, draft.id, pictures, left_out)
        return
    await mixing.open_(studio, origin, pictures, words, collecting=False, left_out=left_out)


async def _silent(studio: Studio, origin: Origin, person: Person, message: Message) -> None:
    """A picture without a word: one more for a mix, a file with its recipe, or a menu."""
    draft = await mixing.collecting(studio, origin)
    if draft is not None:
        await mixing.add(studio, draft.id, [await pictures_in.read(studio, message, person.id)])
        return
    recipe = await info.in_file(studio, message.document, person.id)
    if recipe is not None:
        await info.of_file(recipe, origin, studio)
        return
    given = await pictures_in.read(studio, message, person.id)
    await studio.deliveries.say(origin, _menu(studio), workbench.menu(given.parent, studio.queue.card))


def _menu(studio: Studio) -> str:
    text = "🖼 " + _("What shall I do with it? Or send it again with words, and I will draw it anew.")
    card = studio.queue.card
    if any(
        not offered(card, wish) for wish in ("vary", "restyle", "inpaint", "outpaint", "x2", "x4", "control", "mix")
    ):
        text += "\n" + _("🔒 is not installed here; tap it to see what is missing.")
    return text


async def told(message: Message, draft: Draft, person: Person, studio: Studio, origin: Origin) -> None:
    """The words that were missing have come."""
    if draft.closed_at is not None:
        await studio.deliveries.say(origin, _("This is no longer there."))
        return
    given = Given.model_validate(draft.body["given"])
    words = understood(message.text or "")[1] or (message.text or "")
    await works.begin(studio, origin, person, draft.body["command"], given, words)


def build() -> Router:
    router = Router(name="with_picture")
    router.message.register(told, AnswersDraft("words"))
    router.message.register(wished, PictureWish())
    return router
