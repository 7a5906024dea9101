"""The request that extends a picture."""

from __future__ import annotations

from bot.jobs.compose import Asked, Composition, Remark
from bot.modes.base import composed, fields_in_place, need
from bot.modes.extend.canvas import Canvas
from bot.prompt import GUIDED
from bot.store import Given
from inference.requests import Outpaint

PARAMETERS = ("ar", *GUIDED)

# What the net is told to paint where nobody has said anything: it has learnt from English descriptions.
CONTINUED = "the same scene continues naturally, the same style and light"


def outpaint(asked: Asked, given: Given, canvas: Canvas) -> Composition:
    """The picture on a larger canvas, or smaller on one of the same size; without words its scene simply goes on."""
    fields, line, remarks = fields_in_place(asked, need(asked.card, "outpaint"), given)
    if not line.prompt:
        fields["prompt"] = ", ".join(part for part in (CONTINUED, fields["prompt"]) if part)
    if canvas.scale < 1:
        remarks = (*remarks, Remark("made_smaller", f"{canvas.box[2]}×{canvas.box[3]}"))
    request = Outpaint(image=given.source, width=canvas.width, height=canvas.height, box=canvas.box, **fields)
    return composed(asked, request, line, remarks)
