"""Extending a picture."""

from __future__ import annotations

from dataclasses import replace

from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Routers
from bot.jobs.studio import Studio
from bot.modes.base import begun_by, given_again, guided_line
from bot.modes.extend import asking
from bot.modes.extend.buttons import FrameButton
from bot.modes.extend.canvas import Canvas, most_side, with_ratio
from bot.modes.extend.composing import PARAMETERS, outpaint
from bot.prompt import PromptLine
from bot.texts.i18n import N_, _
from inference.requests import Outpaint

SERVED_BY = ("outpaint",)


def reword(request: Outpaint, line: PromptLine, said: PromptLine, asked: Asked) -> Composition:
    """Raises NothingToAdd for the shape that the picture has."""
    size = (request.image.width, request.image.height)
    canvas = Canvas(request.width, request.height, request.box)
    if line.ar is not None:
        canvas = with_ratio(size, line.ar, most_side(min(asked.card.of("outpaint").native_size)))
    return outpaint(replace(asked, line=line), given_again(request.image), canvas)


EXTEND: Mode[Studio] = Mode(
    name="outpaint",
    requests=(Outpaint,),
    names={"outpaint": N_("Extending")},
    tells_all=False,
    served_by=SERVED_BY,
    commands=("outpaint", "expand"),
    about=N_("Extend the frame"),
    spoken=(r"расшир(?:ь|ьте|ить)|expand|extend|outpaint",),
    parameters=PARAMETERS,
    begin=asking.begin,
    title=lambda request, words: "↔️ " + _("Extending"),
    settings=cards.guided,
    remarks={"made_smaller": N_("A canvas that large would not fit, so your picture is {detail} on it.")},
    line=guided_line,
    reword=reword,
    actions=(
        Action(
            "outpaint",
            "↔️",
            N_("Extend"),
            SERVED_BY,
            {"picture": (1, 0), "photo": (1, 1)},
            begun_by(asking.begin),
            orders=False,
        ),
    ),
    buttons=(FrameButton,),
    keyboard=asking.keyboard,
    routers=lambda: Routers(among=asking.build()),
)
