"""The request that repaints a part of a picture."""

from __future__ import annotations

from bot.jobs.compose import Asked, Composition
from bot.modes.base import composed, fields_in_place, need
from bot.prompt import GUIDED
from bot.store import Given
from inference.requests import Inpaint

PARAMETERS = (*GUIDED, "whole")


def inpaint(asked: Asked, given: Given, mask: str) -> Composition:
    """The white part of `mask` (digest of a PNG of the picture's size) painted anew; with --whole the net looks at all
    of the picture, also where the area is small."""
    fields, line, remarks = fields_in_place(asked, need(asked.card, "inpaint"), given)
    return composed(asked, Inpaint(image=given.source, mask=mask, focus=not line.whole, **fields), line, remarks)
