"""Two or four times the size, or as near to 4K as one of these comes."""

from __future__ import annotations

import re
from typing import Literal

from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Pressed, offered
from bot.jobs.order import asked_by, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import need
from bot.prompt import PromptError, PromptLine, parse
from bot.store import Given, Person
from bot.texts.html import excerpt
from bot.texts.i18n import N_, _
from inference.requests import FLASH_STEPS, MAX_PICTURE_SIDE, MAX_PIXELS, SR_STEPS, Kind, Upscale

Size = Literal["x2", "x4", "big"]

PARAMETERS = ("scale", "full", "seed")
FOUR_K = 3840
SERVED_BY: dict[Size, tuple[Kind, ...]] = {"x2": ("flash_x2", "x2"), "x4": ("x4",), "big": ("x4",)}
NAMES: dict[Kind, str] = {
    "flash_x2": N_("Enlarging ×2"),
    "x2": N_("Enlarging ×2 in full quality"),
    "x4": N_("Enlarging ×4"),
}

_FOUR_TIMES = re.compile(r"вчетверо|четыре|four|quadruple", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])[xх×]?\s?([0-9]{1,5}(?:[.,][0-9]{1,2})?)\s?([kк](?!\w))?", re.IGNORECASE)


class BadFactor(PromptError):
    """A picture cannot be enlarged to this; `value` is how it was said."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value

    def told(self) -> str:
        return _(
            "I can make a picture twice or four times as large, or bring it to 4K; “{value}” I cannot. "
            "For example: {example}"
        ).format(value=excerpt(self.value), example="<code>/upscale 4</code>")


class TooLarge(PromptError):
    """Enlarged so, the picture would have more pixels than the studio makes."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width}x{height}")
        self.width = width
        self.height = height

    def told(self) -> str:
        return _("That would be {size} pixels, more than I can make. It is large already.").format(
            size=f"{self.width}×{self.height}"
        )


def upscale(asked: Asked, given: Given, size: Size) -> Composition:
    """Two or four times the size, or as near to 4K as one of these comes. --full has twice the size computed in all its
    steps also where Flash would do it. Raises TooLarge."""
    width, height = given.source.width, given.source.height
    if size == "big":
        size = "x2" if max(width, height) * 2 >= FOUR_K and offered(asked.card, SERVED_BY["x2"]) else "x4"
    factor = 4 if size == "x4" else 2
    if width * height * factor**2 > MAX_PIXELS or max(width, height) * factor > MAX_PICTURE_SIDE:
        raise TooLarge(width * factor, height * factor)
    full = asked.line.quality == "full"
    kinds: tuple[Kind, ...] = ("x2",) if full and size == "x2" else SERVED_BY[size]
    kind = next((kind for kind in kinds if kind in asked.card.kinds), kinds[0])
    need(asked.card, kind)
    seed = asked.draw_seed() if asked.line.seed is None else asked.line.seed
    refine = asked.card.refines or kind != "flash_x2"
    request = Upscale.model_validate({"kind": kind, "image": given.source, "seeds": (seed,), "refine": refine})
    return Composition(request, PromptLine("", seed=seed, n=1, quality=asked.line.quality, scale=float(factor)))


def size_asked(line: PromptLine) -> Size:
    """What /upscale means: a factor, "4k", or twice the size where no number is said. Raises BadFactor for others."""
    said = _NUMBER.search(line.prompt)
    if said is None:
        factor = 4.0 if _FOUR_TIMES.search(line.prompt) else 2.0 if line.scale is None else line.scale
    elif said[2]:
        if said[1] == "4":
            return "big"
        factor = 0.0
    else:
        factor = float(said[1].replace(",", "."))
    if factor not in (2, 4):
        raise BadFactor(said[0].strip() if said else f"{factor:g}")
    return "x4" if factor == 4 else "x2"


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    line = parse(words, PARAMETERS)
    await _order(studio, origin, person, given, line, size_asked(line))


async def twice(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _order(studio, origin, press.person, press.given, PromptLine(""), "x2", press.key)


async def to_4k(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _order(studio, origin, press.person, press.given, PromptLine(""), "big", press.key)


async def _order(
    studio: Studio, origin: Origin, person: Person, given: Given, line: PromptLine, size: Size, key: str | None = None
) -> None:
    asked = await asked_by(studio, origin, person, line)
    await order_or_ask(studio, origin, upscale(asked, given, size), parents=(given.parent,), key=key)


ENLARGE: Mode[Studio] = Mode(
    name="upscale",
    requests=(Upscale,),
    names=NAMES,
    tells_all=False,
    served_by=("flash_x2", "x2", "x4"),
    commands=("upscale",),
    about=N_("Enlarge, ×2 or 4K"),
    spoken=(
        r"увелич(?:ь|ьте|ить)|upscale|enlarge",
        r"сделай(?:те)?\s+(?:её|ее|его|их|это)\s+(?:по)?(?:больше|крупнее)\W*$",
        r"make\s+(?:it|this|that|him|her|them)\s+(?:bigger|larger)\W*$",
    ),
    parameters=PARAMETERS,
    begin=begin,
    title=lambda request, words: "🔎 " + _(NAMES[request.kind]),
    settings=lambda request, name: [cards.in_steps(name, FLASH_STEPS if request.kind == "flash_x2" else SR_STEPS)],
    actions=(
        Action("x2", "🔎", "×2", SERVED_BY["x2"], {"picture": (1, 1), "photo": (3, 0)}, twice),
        Action("big", "🔎", "4K", SERVED_BY["big"], {"picture": (1, 2), "photo": (3, 1)}, to_4k),
    ),
)
