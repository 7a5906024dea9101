"""Repainting a part of a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.imaging.areas import tells_area
from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Routers
from bot.jobs.studio import Studio
from bot.modes.base import begun_by, given_again, guided_line
from bot.modes.repaint import asking, painted
from bot.modes.repaint.area_buttons import AreaButton
from bot.modes.repaint.composing import PARAMETERS, inpaint
from bot.prompt import PromptError, PromptLine, parse
from bot.texts.i18n import N_, _
from inference.requests import Inpaint

SERVED_BY = ("inpaint",)

# Words by words, so that there is one way only to read a text: a thousand spaces would take minutes otherwise.
_SOMETHING = r"\s+[^\s:,]+(?:\s+[^\s:,]+)*?"


def claims(words: str) -> bool:
    """An area and what shall be there, unless there are parameters that repainting does not take."""
    if not tells_area(words):
        return False
    with contextlib.suppress(PromptError):
        parse(words, PARAMETERS)
        return True
    return False


def settings(request: Inpaint, name: str) -> list[str]:
    rows = cards.guided(request, name)
    return rows if request.focus else [*rows, _("Repainted with all of the picture in view")]


def line(request: Inpaint) -> Mapping[str, Any]:
    return {**guided_line(request), "whole": None if request.focus else True}


def reword(request: Inpaint, line: PromptLine, said: PromptLine, asked: Asked) -> Composition:
    return inpaint(replace(asked, line=line), given_again(request.image), request.mask)


REPAINT: Mode[Studio] = Mode(
    name="inpaint",
    requests=(Inpaint,),
    names={"inpaint": N_("Repainting")},
    tells_all=False,
    served_by=SERVED_BY,
    commands=("inpaint", "fix"),
    about=N_("Repaint a part"),
    spoken=(
        rf"замени(?:те)?{_SOMETHING}\s+на|replace{_SOMETHING}\s+(?:with|by)",
        r"(?:замени|перерисуй|исправь)(?:те)?|replace|repaint|inpaint|fix",
    ),
    parameters=PARAMETERS,
    claims=claims,
    begin=asking.begin,
    title=lambda request, words: "🖌 " + _("Repainting"),
    settings=settings,
    line=line,
    reword=reword,
    actions=(
        Action(
            "inpaint",
            "🖌",
            N_("Region"),
            SERVED_BY,
            {"picture": (0, 2), "photo": (1, 0)},
            begun_by(asking.begin),
            orders=False,
            elsewhere={"photo": N_("Repaint")},
        ),
    ),
    buttons=(AreaButton,),
    routers=lambda: Routers(first=painted.build(), among=asking.build()),
)
