"""One generator per request kind, and which one draws a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from inference.families.kandinsky.pipelines.asks import Ask, Decode, Denoise, Drawing, Encode, Pipeline, Show, Tools
from inference.families.kandinsky.pipelines.control import control, control_steps
from inference.families.kandinsky.pipelines.flash import flash, flash_steps
from inference.families.kandinsky.pipelines.inpaint import inpaint, inpaint_steps
from inference.families.kandinsky.pipelines.mix import flash_mix, flash_mix_steps, mix, mix_steps
from inference.families.kandinsky.pipelines.outpaint import outpaint, outpaint_steps
from inference.families.kandinsky.pipelines.refine import refine, refine_steps
from inference.families.kandinsky.pipelines.rewrite import rewrite, rewrite_steps
from inference.families.kandinsky.pipelines.text_to_image import text_to_image, text_to_image_steps
from inference.families.kandinsky.pipelines.upscale import upscale, upscale_steps
from inference.requests import (
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    Rewrite,
    TextToImage,
    Upscale,
)

__all__ = [
    "Ask",
    "Decode",
    "Denoise",
    "Drawing",
    "Encode",
    "Pipeline",
    "Show",
    "Tools",
    "draw",
    "flash",
    "steps",
    "text_to_image",
]


class _Way(NamedTuple):
    """How a kind of request is drawn: its pipeline, and how many asks that cost a pass it will yield."""

    pipeline: Callable[[Any, Tools], Pipeline]
    steps: Callable[[Any], int]


_WAYS: dict[type[AnyRequest], _Way] = {
    FlashTextToImage: _Way(flash, flash_steps),
    TextToImage: _Way(text_to_image, text_to_image_steps),
    Refine: _Way(refine, refine_steps),
    Inpaint: _Way(inpaint, inpaint_steps),
    Outpaint: _Way(outpaint, outpaint_steps),
    Mix: _Way(mix, mix_steps),
    FlashMix: _Way(flash_mix, flash_mix_steps),
    Control: _Way(control, control_steps),
    Upscale: _Way(upscale, upscale_steps),
    Rewrite: _Way(rewrite, rewrite_steps),
}


def draw(request: AnyRequest, tools: Tools) -> Pipeline:
    """The pipeline that draws `request`, not yet started."""
    return _WAYS[type(request)].pipeline(request, tools)


def steps(request: AnyRequest) -> int:
    """Asks that cost a pass in the pipeline of `request`, an `Enlarge` counting for as many as it has windows."""
    return _WAYS[type(request)].steps(request)
