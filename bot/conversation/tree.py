"""/tree, «покажи дерево»: where a picture comes from and what became of it, on one picture."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiogram import Bot, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot.conversation import family, tree_drawing
from bot.conversation.family import Family, Node, family_of
from bot.jobs.mode import Modes
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.intent import picture_number
from bot.modes.source import WhichPicture, answered
from bot.store import Person, StoredPicture
from bot.telegram.addressed import Addressed
from bot.telegram.screen import Photo, Screen, send
from bot.texts.html import escape, shortened
from bot.texts.i18n import _

MOST_LINES, WISH_CHARS = 12, 48

# A tree alone is something to draw; shown, and with an article, it is the one that a picture stands in.
_ALIAS = re.compile(
    r"(?:покажи(?:те)?(?:\s+мне)?\s+(?:(?:семейное|генеалогическое)\s+)?дерево"
    r"|(?:покажи(?:те)?(?:\s+мне)?\s+)?родословн(?:ая|ую)"
    r"|show(?:\s+me)?\s+(?:the|its|this)\s+(?:family\s+)?tree)"
    r"(?:\s+(?P<number>\d{1,2}))?\s*[.!?]?",
    re.IGNORECASE,
)


class AskedForTree(Addressed):
    """Words that mean the bot and ask for the family tree. Gives `number`, that of a picture in the answered grid."""

    async def __call__(self, message: Message, bot: Bot) -> bool | dict[str, Any]:
        found = _ALIAS.fullmatch(await self.said(message, bot) or "")
        return {"number": int(found["number"]) if found["number"] else None} if found else False


async def command(message: Message, command: CommandObject, person: Person, studio: Studio, origin: Origin) -> None:
    said = (command.args or "").split()
    await tree(message, picture_number(said[0]) if said else None, person, studio, origin)


async def tree(message: Message, number: int | None, person: Person, studio: Studio, origin: Origin) -> None:
    """Of the answered picture, else of the last one that the asker got in this chat."""
    picture = await _meant(message, number, person, studio)
    if picture is None:
        await studio.deliveries.say(origin, _("I see no picture of yours here. Reply to one with /tree."))
        return
    if not origin.may_show(picture):
        await studio.deliveries.say(origin, _("This picture was not made here. Ask for its tree in our private chat."))
        return
    kin = await family_of(studio.history, picture, origin)
    if kin.hidden and not kin.edges:
        await studio.deliveries.say(origin, "🌳 " + _("Its family was made elsewhere and is not shown here."))
        return
    if not kin.edges:
        await studio.deliveries.say(
            origin, "🌳 " + _("This picture was drawn from words alone, and nothing came of it yet.")
        )
        return
    shown = dict(zip(kin.blobs, await studio.decoder.thumbnails(list(kin.blobs.values())), strict=True))
    drawn = await asyncio.to_thread(tree_drawing.tree, kin.generations, kin.edges, shown, ("picture", picture.id))
    await send(studio.bot, origin.place, Screen(_caption(studio.modes, kin), photo=Photo(drawn, "tree.jpg")))


async def _meant(message: Message, number: int | None, person: Person, studio: Studio) -> StoredPicture | None:
    try:
        given = await answered(studio, message, person.id, number)
    except WhichPicture as which:
        which.command = "tree"
        raise
    picture_id = given.picture_id if given is not None else None
    if given is not None and picture_id is None and given.upload_id is not None:
        edges = await studio.history.sources.kin([], [given.upload_id])
        picture_id = edges[0][0] if edges else None
    elif given is None and message.reply_to_message is None:
        picture_id = await studio.history.sources.newest_picture(person.id, message.chat.id)
    picture = await studio.history.picture(picture_id) if picture_id is not None else None
    return picture if picture is not None and person.id == picture.owner_id else None


def _caption(modes: Modes[Studio], kin: Family) -> str:
    """The same in words: which numbers were made from which, and how; what was made alike is told once."""
    numbers = {node: number for number, node in enumerate((node for row in kin.generations for node in row), start=1)}
    parents: dict[Node, list[int]] = {}
    for parent, child in kin.edges:
        parents.setdefault(child, []).append(numbers[parent])
    alike: dict[tuple[str, str], list[int]] = {}
    for child, made_from in sorted(parents.items(), key=lambda item: numbers[item[0]]):
        picture = kin.pictures.get(child[1])
        how = _("a picture that has been deleted") if picture is None else _how(modes, picture)
        alike.setdefault((" + ".join(map(str, sorted(made_from))), how), []).append(numbers[child])
    lines = ["🌳 <b>" + _("Family tree") + "</b>"]
    lines += [f"{_ranges(made)} ← {origin} · {escape(how)}" for (origin, how), made in list(alike.items())[:MOST_LINES]]
    if kin.cut or len(alike) > MOST_LINES:
        lines.append(_("The family is larger than fits here."))
    if kin.hidden:
        lines.append(_("Part of the family was made elsewhere and is not shown here."))
    return "\n".join(lines)


def _how(modes: Modes[Studio], picture: StoredPicture) -> str:
    """What was done, in one line: its title, or else its kind, and the words."""
    request, words = picture.recipe.request, family.words_of(picture)
    done = modes.title(request, words) or modes.kind_name(request.kind)
    return shortened(" · ".join(part for part in (done, words) if part), WISH_CHARS)


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers, neighbours joined: 2–5, 7."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


def build() -> Router:
    router = Router(name="tree")
    router.message.register(command, Command("tree"))
    router.message.register(tree, AskedForTree())
    return router
