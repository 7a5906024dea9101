"""A picture drawn over by the full model, a little or a lot."""

from __future__ import annotations

from dataclasses import replace

from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Pressed
from bot.jobs.order import asked_by, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import ordered_just_now
from bot.jobs.studio import Studio
from bot.modes.base import given_again, guided_line, own_picture, own_wish
from bot.modes.drawing import FROM_PICTURES, STRENGTHS, Degree, over
from bot.prompt import Misplaced, PromptLine
from bot.prompt.styles import PLAIN_STYLE
from bot.store import Given
from bot.texts.i18n import N_, _
from inference.requests import Refine, TextToImage

SERVED_BY = ("refine",)


async def a_little(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _order(studio, origin, press, "subtle")


async def a_lot(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _order(studio, origin, press, "strong")


async def _order(studio: Studio, origin: Origin, press: Pressed, degree: Degree) -> None:
    asked = await asked_by(studio, origin, press.person, await _same_recipe(studio, press.given))
    made = over(asked, press.given, STRENGTHS[degree])
    just_now = await ordered_just_now(studio, press.person.id, press.key)
    if just_now or not await _point_to_same(studio, origin, made, press.given):
        await order_or_ask(studio, origin, made, parents=(press.given.parent,), key=press.key)


async def _same_recipe(studio: Studio, given: Given) -> PromptLine:
    """The line for one picture with the seed of the given one, its style or none, and what it was drawn with in full
    quality."""
    picture = await own_picture(studio, given)
    if picture is None:
        return PromptLine("", n=1)
    drawn = await studio.deliveries.gallery.line(picture)
    line = await own_wish(studio, given)
    line = replace(line, seed=picture.recipe.seed, n=1, style=line.style or PLAIN_STYLE)
    if isinstance(picture.recipe.request, TextToImage | Refine):
        line = replace(line, no=drawn.no, steps=drawn.steps, cfg=drawn.cfg)
    return line


async def _point_to_same(studio: Studio, origin: Origin, made: Composition, given: Given) -> bool:
    """Points to what the very same order has made before, where that is still here."""
    for child in await studio.history.children(given.picture_id or 0):
        post = await studio.history.find_post(kind="single", picture_id=child.id, chat_id=origin.chat_id)
        if post is not None and child.recipe.request == made.request:
            return await studio.deliveries.gallery.point_to(post, _("It is refined like this already."))
    return False


def settings(request: Refine, name: str) -> list[str]:
    share = _("Refinement strength: {share} %").format(share=round(request.strength * 100))
    return [*cards.guided(request, name), share]


def reword(request: Refine, line: PromptLine, said: PromptLine, asked: Asked) -> Composition:
    """Raises Misplaced for what only the image adapter takes."""
    if said.iw is not None or said.quality is not None:
        raise Misplaced("iw" if said.iw is not None else str(said.quality), ("mix",))
    strength = request.strength if line.strength is None else line.strength
    return over(replace(asked, line=line), given_again(request.image), strength)


REFINE: Mode[Studio] = Mode(
    name="refine",
    requests=(Refine,),
    names={"refine": N_("Refinement")},
    served_by=SERVED_BY,
    remarks={
        "varied_by_refining": N_("The image adapter is not installed here, so I drew over the picture itself."),
    },
    title=lambda request, words: "💎 " + _("Refinement"),
    settings=settings,
    line=guided_line,
    reword=reword,
    reword_parameters=lambda request: (*FROM_PICTURES, "strength"),
    actions=(
        Action("refine", "💎", N_("Refine a little"), SERVED_BY, {"more": (1, 0)}, a_little),
        Action("redraw", "💎", N_("Refine a lot"), SERVED_BY, {"more": (1, 1)}, a_lot),
    ),
)
