"""The pictures of a sheet, one after the other: each by the pipeline of its own request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from inference.engine.asks import Drawing, Pipeline, Ready
from inference.requests import Note, Request, Sheet


def draw_each(start: Callable[[Any, Any], Pipeline], request: Sheet, kit: Any) -> Pipeline:
    """Draws every picture as if it were asked for alone; what there is to say of several is said once."""
    pictures: list[Tensor] = []
    notes: dict[Note, None] = {}
    for tile in range(len(request.looks)):
        drawing = yield from _of_tile(start(request.alone(tile), kit), tile)
        pictures += drawing.pictures
        notes |= dict.fromkeys(drawing.notes)
    return Drawing(tuple(pictures), tuple(notes))


def _of_tile(pipeline: Pipeline, tile: int) -> Pipeline:
    """The same pipeline, whose only picture is ready as this one of several."""
    answer = None
    while True:
        try:
            ask = pipeline.send(answer)
        except StopIteration as end:
            drawing: Drawing = end.value
            return drawing
        answer = yield replace(ask, tile=tile) if isinstance(ask, Ready) else ask


def steps_of_each(steps: Callable[[Any], int], request: Sheet) -> int:
    """As many as its pictures count together."""
    alone: list[Request] = [request.alone(tile) for tile in range(len(request.looks))]
    return sum(map(steps, alone))
