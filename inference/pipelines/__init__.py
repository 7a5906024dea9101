"""One generator per request kind, and which one draws a request."""

from __future__ import annotations

from inference.pipelines.asks import Ask, Decode, Denoise, Drawing, Encode, Pipeline, Show, Tools
from inference.pipelines.flash import flash
from inference.pipelines.text_to_image import text_to_image
from inference.requests import FLASH_STEPS, AnyRequest, FlashTextToImage, TextToImage
from inference.sampling import timesteps

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


def draw(request: AnyRequest, tools: Tools) -> Pipeline:
    """The pipeline that draws `request`, not yet started."""
    if isinstance(request, FlashTextToImage):
        return flash(request, tools)
    return text_to_image(request, tools)


def steps(request: AnyRequest) -> int:
    """Asks that cost a pass in the pipeline of `request`: one for the texts, one per timestep, one per picture
    decoded."""
    denoising = FLASH_STEPS if isinstance(request, FlashTextToImage) else len(timesteps(request.steps))
    return 1 + denoising + len(request.seeds)
