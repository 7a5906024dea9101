"""A picture out of two to four, each with its weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiogram.types import Message

from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Join, Mode, Routers
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import begun_by, given_again, guided_line
from bot.modes.drawing import from_pictures, over
from bot.modes.mix import mixing, press
from bot.modes.mix.buttons import MixButton
from bot.modes.mix.mixing import PARAMETERS, SERVED_BY
from bot.prompt import PromptLine
from bot.store import Given, Person
from bot.texts.i18n import N_, _, ngettext
from inference.requests import FLASH_STEPS, FlashMix, Mix


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    """A mix that begins with this picture and waits for more."""
    await mixing.open_(studio, origin, [given], words, collecting=True)


async def collected(
    studio: Studio,
    origin: Origin,
    person: Person,
    pictures: Sequence[Given],
    words: str,
    left_out: int = 0,
    album: str | None = None,
    answered: Message | None = None,
) -> None:
    """One more handful for the mix that is being put together, or a mix of these."""
    draft = await mixing.collecting(studio, origin.owner_id, origin.chat_id, answered)
    if draft is not None and not words:
        await mixing.add(studio, origin, draft.id, pictures, left_out)
        return
    await mixing.open_(studio, origin, pictures, words, collecting=False, left_out=left_out, album=album)


async def joined(studio: Studio, origin: Origin, album: str) -> Join | None:
    draft = await studio.history.sources.draft_of_album(origin.owner_id, origin.chat_id, "mix", album)
    if draft is None:
        return None
    return _join(studio, draft.id)


async def begin_bare(studio: Studio, origin: Origin, words: str) -> None:
    """A mix of pictures that are still to come."""
    await mixing.open_(studio, origin, [], words, collecting=True)


async def collects(studio: Studio, owner_id: int, chat_id: int, answered: Message | None) -> Join | None:
    draft = await mixing.collecting(studio, owner_id, chat_id, answered)
    return None if draft is None else _join(studio, draft.id)


def _join(studio: Studio, draft_id: int) -> Join:
    return lambda origin, pictures, words: mixing.add(studio, origin, draft_id, pictures, words=words)


def title(request: Mix | FlashMix, words: str) -> str:
    count = len(request.images)
    if count > 1:
        return "🧬 " + ngettext("Mix of {n} picture", "Mix of {n} pictures", count).format(n=count)
    if words and not request.each:
        return "🪄 " + _("Picture and words")
    return "🎨 " + ngettext("Variation", "Variations", len(request.seeds))


def settings(request: Mix | FlashMix, name: str) -> list[str]:
    weights = " + ".join(cards.number(image.weight) for image in request.images)
    scales = "; ".join(cards.number(scale) for scale in request.each or (request.image_scale,))
    weighed = _("Weight of the pictures: {weights}, all together × {scale}").format(weights=weights, scale=scales)
    drawn = cards.guided(request, name) if isinstance(request, Mix) else [cards.in_steps(name, FLASH_STEPS)]
    return [*drawn, weighed]


def line(request: Mix | FlashMix) -> Mapping[str, Any]:
    return guided_line(request) if isinstance(request, Mix) else {}


def tile_line(request: Mix | FlashMix, tile: int) -> Mapping[str, Any]:
    return {"iw": request.each[tile], "apart": None} if request.each else {}


def reword(request: Mix | FlashMix, line: PromptLine, said: PromptLine, asked: Asked) -> Composition:
    asked = replace(asked, line=line)
    pictures = [(given_again(image), image.weight) for image in request.images]
    if line.strength is not None:
        return over(asked, pictures[0][0], line.strength)
    guidance = {"guidance": request.guidance_scale} if isinstance(request, Mix) else {}
    apart = (request.each[0] - request.each[-1]) / 2 if request.each else None
    return from_pictures(asked, pictures, scale=request.image_scale, apart=apart, **guidance)


def reword_parameters(request: Mix | FlashMix) -> tuple[str, ...]:
    """One picture alone can also be drawn over, and varied more or less."""
    return PARAMETERS if len(request.images) > 1 else (*PARAMETERS, "strength", "apart")


MIX: Mode[Studio] = Mode(
    name="mix",
    requests=(Mix, FlashMix),
    names={"mix": N_("Image prompts"), "mix_flash": N_("Quick mixing (experimental)")},
    served_by=SERVED_BY,
    commands=("mix",),
    about=N_("Mix 2 to 4 pictures"),
    spoken=(r"смеша(?:й|йте|ть)|mix",),
    parameters=PARAMETERS,
    begin=begin,
    begin_bare=begin_bare,
    album=collected,
    collects=collects,
    joined=joined,
    title=title,
    settings=settings,
    remarks={
        "quick_mix": N_("The full way of mixing is not installed here, so this is the quick, experimental one."),
    },
    line=line,
    tile_line=tile_line,
    reword=reword,
    reword_parameters=reword_parameters,
    actions=(
        Action("mix", "🧬", N_("Mix"), SERVED_BY, {"photo": (3, 2), "more": (2, 0)}, begun_by(begin), orders=False),
    ),
    buttons=(MixButton,),
    routers=lambda: Routers(among=press.build()),
)
