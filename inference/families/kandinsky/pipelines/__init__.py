"""One generator per request kind, and which one draws a request.

Steps are the asks that cost a pass, an `Enlarge` counting for as many as it has windows.
"""

from __future__ import annotations

from inference.engine.kit import Way
from inference.families.kandinsky.pipelines.control import control, control_steps
from inference.families.kandinsky.pipelines.flash import flash, flash_steps
from inference.families.kandinsky.pipelines.inpaint import inpaint, inpaint_steps
from inference.families.kandinsky.pipelines.mix import flash_mix, flash_mix_steps, mix, mix_steps
from inference.families.kandinsky.pipelines.outpaint import outpaint, outpaint_steps
from inference.families.kandinsky.pipelines.refine import refine, refine_steps
from inference.families.kandinsky.pipelines.text_to_image import text_to_image, text_to_image_steps
from inference.families.kandinsky.pipelines.upscale import upscale, upscale_steps
from inference.requests import (
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    Request,
    TextToImage,
    Upscale,
)

WAYS: dict[type[Request], Way] = {
    FlashTextToImage: Way(flash, flash_steps),
    TextToImage: Way(text_to_image, text_to_image_steps),
    Refine: Way(refine, refine_steps),
    Inpaint: Way(inpaint, inpaint_steps),
    Outpaint: Way(outpaint, outpaint_steps),
    Mix: Way(mix, mix_steps),
    FlashMix: Way(flash_mix, flash_mix_steps),
    Control: Way(control, control_steps),
    Upscale: Way(upscale, upscale_steps),
}
