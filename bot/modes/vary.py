"""Pictures like this one."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Pressed
from bot.jobs.order import asked_by, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import own_wish
from bot.modes.drawing import FROM_PICTURES, Degree, from_pictures, over, over_for_want_of_adapter
from bot.prompt import PromptLine, parse
from bot.store import Given, Person
from bot.texts.i18n import N_
from inference.requests import FlashMix, Mix

PARAMETERS = (*FROM_PICTURES, "strength", "apart")
SERVED_BY = ("mix", "mix_flash", "refine")

# How much of the picture a variation keeps: the scale of its image tokens, the guidance towards them, and how far the
# scales of several lie apart from that.
VARIATIONS: dict[Degree, tuple[float, float, float]] = {"subtle": (1.0, 7.5, 0.25), "strong": (0.6, 4.0, 0.15)}

_STRONG = re.compile(r"^(?:strong(?:ly)?|сильно|сильнее|сильная)\b[\s,:]*", re.IGNORECASE)
_SUBTLE = re.compile(r"^(?:subtle|subtly|чуть(?:-чуть)?|слегка|немного)\b[\s,:]*", re.IGNORECASE)


def vary(asked: Asked, given: Given, degree: Degree = "subtle") -> Composition:
    """Pictures like this one. Where no image adapter is at hand it is drawn over, and the remark says so."""
    if asked.line.strength is not None:
        return over(asked, given, asked.line.strength)
    drawn_over = None if asked.line.quality == "flash" else over_for_want_of_adapter(asked, given, degree)
    if drawn_over is not None:
        return drawn_over
    scale, guidance, apart = VARIATIONS[degree]
    made = from_pictures(asked, [(given, 1.0)], scale=scale, guidance=guidance, apart=apart)
    return made if degree == "subtle" else replace(made, line=_said_out(made))


def _said_out(made: Composition) -> PromptLine:
    """The line with all that /vary alone would do otherwise."""
    request, line = made.request, made.line
    assert isinstance(request, Mix | FlashMix)
    cfg = request.guidance_scale if isinstance(request, Mix) else None
    apart = VARIATIONS["strong"][2] if line.apart is None else line.apart
    return replace(line, iw=request.image_scale, cfg=cfg, apart=apart)


def degree_of(words: str) -> tuple[Degree, str]:
    """How far a variation goes, said as its first word, and the words after it."""
    if _STRONG.match(words):
        return "strong", _STRONG.sub("", words)
    return "subtle", _SUBTLE.sub("", words)


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    degree, words = degree_of(words)
    await _order(studio, origin, person, given, parse(words, PARAMETERS), degree)


async def subtle(studio: Studio, origin: Origin, press: Pressed) -> None:
    line = await own_wish(studio, press.given)
    await _order(studio, origin, press.person, press.given, line, "subtle", press.key)


async def strong(studio: Studio, origin: Origin, press: Pressed) -> None:
    line = await own_wish(studio, press.given)
    await _order(studio, origin, press.person, press.given, line, "strong", press.key)


async def _order(
    studio: Studio,
    origin: Origin,
    person: Person,
    given: Given,
    line: PromptLine,
    degree: Degree,
    key: str | None = None,
) -> None:
    asked = await asked_by(studio, origin, person, line)
    await order_or_ask(studio, origin, vary(asked, given, degree), parents=(given.parent,), key=key)


VARY: Mode[Studio] = Mode(
    name="vary",
    served_by=SERVED_BY,
    commands=("vary",),
    about=N_("Variations of a picture"),
    spoken=(r"(?:сделай(?:те)?\s+)?вариаци[июя]|variations?|vary",),
    parameters=PARAMETERS,
    begin=begin,
    actions=(
        Action("vary", "🎨", N_("Vary"), SERVED_BY, {"photo": (0, 0), "grid": (0, 0)}, subtle),
        Action("subtle", "🎨", N_("Subtle"), SERVED_BY, {"picture": (0, 0)}, subtle),
        Action("strong", "🎨", N_("Strong"), SERVED_BY, {"picture": (0, 1)}, strong),
    ),
)
