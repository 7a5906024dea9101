"""Requests that repaint a part of a picture or extend it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.jobs.compose import Composition, Remark
from bot.modes.base import Wish, composed, drawn_fields, need
from bot.modes.extend.canvas import Canvas
from bot.prompt import PromptLine
from bot.store import Given
from inference.requests import Ability, Inpaint, Outpaint

# What the net is told to paint where nobody has said anything: it has learnt from English descriptions.
CONTINUED = "the same scene continues naturally, the same style and light"


def inpaint(wish: Wish, given: Given, mask: str) -> Composition:
    """The white part of `mask` (digest of a PNG of the picture's size) painted anew; with --whole the net looks at all
    of the picture, also where the area is small."""
    fields, line, remarks = _fields(wish, need(wish.card, "inpaint"), given)
    request = Inpaint(image=given.source, mask=mask, focus=not line.whole, **fields)
    return composed(wish, request, line, remarks)


def outpaint(wish: Wish, given: Given, canvas: Canvas) -> Composition:
    """The picture on a larger canvas, or smaller on one of the same size; without words its scene simply goes on."""
    fields, line, remarks = _fields(wish, need(wish.card, "outpaint"), given)
    if not line.prompt:
        fields["prompt"] = ", ".join(part for part in (CONTINUED, fields["prompt"]) if part)
    if canvas.scale < 1:
        remarks = (*remarks, Remark("made_smaller", f"{canvas.box[2]}×{canvas.box[3]}"))
    request = Outpaint(image=given.source, width=canvas.width, height=canvas.height, box=canvas.box, **fields)
    return composed(wish, request, line, remarks)


def _fields(wish: Wish, ability: Ability, given: Given) -> tuple[dict[str, Any], PromptLine, tuple[Remark, ...]]:
    size = (given.source.width, given.source.height)
    fields, line, remarks = drawn_fields(replace(wish, line=replace(wish.line, ar=None)), ability, size)
    del fields["width"], fields["height"]
    fields["native_side"] = min(ability.native_size)
    return fields, line, remarks
