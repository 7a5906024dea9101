"""Pictures as they stand in a chat, and the keys that belong under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiogram.types import InlineKeyboardMarkup

from bot.jobs import keyboards, pages, picture_keys
from bot.jobs.context import names_of
from bot.jobs.mode import Modes
from bot.jobs.tools import Tools
from bot.store import History, StoredPicture
from bot.telegram.callbacks import PageButton
from bot.telegram.sending import carried
from inference.requests import AnyRequest, ModelCard

Under = tuple[int, int]
"""A message: its chat and its id."""


@dataclass(frozen=True)
class Shown:
    """Pictures of one job, at least one, and what has become of them: all that decides the keys under them.

    `alone` is one by itself, be it the `only` one of its job or taken out of a grid; `more` unfolds its rarer keys.
    `opened` are the ids of those that were posted alone, `used` what those of its keys carry that its owner has ordered
    with; `page` leads back where it is opened in a page of history. `whole` is what all of the job was for, where a
    recipe tells of one picture alone, and `names` what its pictures are called, by tile, where each has a name.
    """

    pictures: tuple[StoredPicture, ...]
    alone: bool
    only: bool = False
    more: bool = False
    card: ModelCard | None = None
    opened: frozenset[int] = frozenset()
    used: frozenset[str] = frozenset()
    page: PageButton | None = None
    whole: AnyRequest | None = None
    names: tuple[str, ...] = ()


def keys(shown: Shown, modes: Modes[Any]) -> InlineKeyboardMarkup:
    """The keys under pictures, with a tick on what has been used. A job's only picture can be drawn again from here."""
    first, card = shown.pictures[0], shown.card
    request = first.recipe.request
    whole = shown.whole or request
    if shown.alone:
        single = picture_keys.single(
            modes,
            first.id,
            request,
            card,
            whole=whole,
            whole_job=first.job_id if shown.only else None,
            starred=first.starred,
            more=shown.more,
            page=shown.page,
        )
        return keyboards.ticked(single, shown.used)
    numbered = [(picture.tile + 1, picture.id) for picture in shown.pictures]
    grid = keyboards.grid(
        first.job_id,
        numbered,
        variations=picture_keys.variations(modes, numbered, card),
        opened=shown.opened,
        starred=all(picture.starred for picture in shown.pictures),
        editable=modes.editable(whole),
        more=modes.keys("grid", whole, first.job_id, card),
        names={picture.id: shown.names[picture.tile] for picture in shown.pictures if shown.names},
    )
    return keyboards.ticked(grid, shown.used)


async def look_up(
    tools: Tools, pictures: Sequence[StoredPicture], chat_id: int, message_id: int | None = None
) -> Shown:
    """What is left of a job, at least one picture, as it is now: what is opened in this chat, starred, ordered with; in
    a message where it stands in one already."""
    if await tools.history.is_only_one(pictures[0]):
        under = (chat_id, message_id) if message_id is not None else None
        return await look_up_alone(tools, pictures[0], under=under, only=True)
    opened = {
        picture.id
        for picture in pictures
        if await tools.history.find_post(kind="single", picture_id=picture.id, chat_id=chat_id) is not None
    }
    card = tools.queue.card
    whole, names = await _whole(tools, pictures[0])
    grid = Shown(tuple(pictures), alone=False, card=card, opened=frozenset(opened), whole=whole, names=names)
    return await _with_used(tools, grid)


async def look_up_alone(
    tools: Tools, picture: StoredPicture, *, more: bool = False, under: Under | None = None, only: bool | None = None
) -> Shown:
    """One picture by itself as it is now, in a message where it stands in one already. `only`: whether its job has made
    no other, where that is known."""
    page = await pages.way_back(tools.history.sources, picture.id, *under) if under is not None else None
    if only is None:
        only = await tools.history.is_only_one(picture)
    whole = (await _whole(tools, picture))[0] if only else None
    return await _with_used(
        tools, Shown((picture,), alone=True, only=only, more=more, card=tools.queue.card, page=page, whole=whole)
    )


async def keys_of_job(
    tools: Tools, pictures: Sequence[StoredPicture], chat_id: int, message_id: int | None = None
) -> InlineKeyboardMarkup:
    """The keys under what is left of a job, at least one picture, as they are now."""
    return keys(await look_up(tools, pictures, chat_id, message_id), tools.modes)


async def keys_of(
    tools: Tools, picture: StoredPicture, *, more: bool = False, under: Under | None = None
) -> InlineKeyboardMarkup:
    """The keys under one picture by itself, as they are now, in a message where they stand in one already."""
    return keys(await look_up_alone(tools, picture, more=more, under=under), tools.modes)


async def with_ticks(history: History, markup: InlineKeyboardMarkup, owner_id: int) -> InlineKeyboardMarkup:
    """The same keys, with a tick on every one that its owner has ordered with."""
    return keyboards.ticked(markup, await history.ordered_with(owner_id, carried(markup)))


async def _whole(tools: Tools, picture: StoredPicture) -> tuple[AnyRequest, tuple[str, ...]]:
    """What the whole job of a picture was for, and what its pictures are called."""
    job = await tools.ledger.job(picture.job_id)
    return (picture.recipe.request, ()) if job is None else (job.request, names_of(job))


async def _with_used(tools: Tools, shown: Shown) -> Shown:
    first = shown.pictures[0]
    standing = carried(keys(shown, tools.modes))
    used = await tools.history.ordered_with(first.owner_id, standing, since=first.job_id)
    return replace(shown, used=used)
