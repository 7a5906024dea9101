"""Messages that carry a picture or answer one: a menu, a mix, a restyling, or whatever command came along."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.types import Message, Update

from bot.conversation import info
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin
from bot.modes import mixing, pictures_in, workbench, works
from bot.modes.composition import offered
from bot.modes.pictures_in import NoPicture, WhichPicture, carries_picture
from bot.modes.wishes import PictureWish, picture_number, understood
from bot.prompt import Command
from bot.store import Draft, Given, Person
from bot.store.handling import update_in_hand
from bot.telegram.albums import Albums
from bot.telegram.filters import AnswersDraft
from bot.texts.i18n import _
from inference.requests import MAX_SOURCES


async def wished(
    message: Message,
    command: Command | None,
    words: str,
    addressed: bool,
    person: Person,
    event_update: Update,
    desk: Desk,
    albums: Albums,
) -> None:
    origin = Origin.of_message(message, event_update.update_id, person)
    if not carries_picture(message):
        await _to_answered(desk, origin, person, message, command, words)
        return
    parts = await albums.gather(message)
    if parts is None:
        return
    origin = replace(origin, update_id=update_in_hand(origin.update_id))
    if len(parts) > 1:
        await _album(desk, origin, person, parts, command, words, addressed)
    elif addressed and command is None:
        await _silent(desk, origin, person, message)
    elif addressed and command is not None:
        given = await pictures_in.read(desk, message, person.id)
        await works.begin(desk, origin, person, command, given, words)


async def _to_answered(
    desk: Desk, origin: Origin, person: Person, message: Message, command: Command | None, words: str
) -> None:
    """A command about the picture that the message answers; /mix may come without one and collect."""
    assert command is not None
    try:
        given = await pictures_in.answered(desk, message, person.id)
    except WhichPicture:
        said, _space, rest = words.partition(" ")
        number = picture_number(said)
        if number is None:
            raise
        given, words = await pictures_in.answered(desk, message, person.id, number), rest.strip()
    if given is not None:
        await works.begin(desk, origin, person, command, given, words)
    elif command == "mix":
        await mixing.open_(desk, origin, [], words, collecting=True)
    else:
        raise NoPicture


async def _album(
    desk: Desk,
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
        found = await PictureWish()(told, desk.bot)
        if isinstance(found, dict):
            command, words, addressed = found["command"], found["words"], found["addressed"]
    if not addressed:
        return
    if command not in (None, "mix", "restyle", "control"):
        await desk.deliveries.say(origin, _("One picture at a time for this, please. An album I can mix: /mix"))
        return
    pictures = [await pictures_in.read(desk, part, person.id) for part in parts[:MAX_SOURCES]]
    left_out = len(parts) - len(pictures)
    if command == "control":
        await works.transfer_style(desk, origin, person, pictures, words, left_out)
        return
    draft = await mixing.collecting(desk, origin)
    if draft is not None and not words:
        await mixing.add(desk, draft.id, pictures, left_out)
        return
    await mixing.open_(desk, origin, pictures, words, collecting=False, left_out=left_out)


async def _silent(desk: Desk, origin: Origin, person: Person, message: Message) -> None:
    """A picture without a word: one more for a mix, a file with its recipe, or a menu."""
    draft = await mixing.collecting(desk, origin)
    if draft is not None:
        await mixing.add(desk, draft.id, [await pictures_in.read(desk, message, person.id)])
        return
    recipe = await info.in_file(desk, message.document, person.id)
    if recipe is not None:
        await info.of_file(recipe, origin, desk.deliveries)
        return
    given = await pictures_in.read(desk, message, person.id)
    await desk.deliveries.say(origin, _menu(desk), workbench.menu(given.parent, desk.queue.card))


def _menu(desk: Desk) -> str:
    text = "🖼 " + _("What shall I do with it? Or send it again with words, and I will draw it anew.")
    card = desk.queue.card
    if any(
        not offered(card, wish) for wish in ("vary", "restyle", "inpaint", "outpaint", "x2", "x4", "control", "mix")
    ):
        text += "\n" + _("🔒 is not installed here; tap it to see what is missing.")
    return text


async def told(message: Message, draft: Draft, person: Person, event_update: Update, desk: Desk) -> None:
    """The words that were missing have come."""
    origin = Origin.of_message(message, event_update.update_id, person)
    if draft.closed_at is not None:
        await desk.deliveries.say(origin, _("This is no longer there."))
        return
    given = Given.model_validate(draft.body["given"])
    words = understood(message.text or "")[1] or (message.text or "")
    await works.begin(desk, origin, person, draft.body["command"], given, words)


def build() -> Router:
    router = Router(name="with_picture")
    router.message.register(told, AnswersDraft("words"))
    router.message.register(wished, PictureWish())
    return router
