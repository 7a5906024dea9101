"""Pipelines by the requests they draw."""

from __future__ import annotations

from typing import Any

from inference.engine.asks import Pipeline
from inference.families.kandinsky.pipelines import PIPELINES
from inference.requests import Request


def draw(request: Request, tools: Any) -> Pipeline:
    """The pipeline that draws `request`, not yet started."""
    return PIPELINES[type(request)].start(request, tools)


def steps(request: Request) -> int:
    """Steps that its asks will count."""
    return PIPELINES[type(request)].steps(request)
