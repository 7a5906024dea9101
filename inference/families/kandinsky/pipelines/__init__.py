"""One generator per request kind, and which one draws a request.

Steps are the asks that cost a pass, an `Enlarge` counting for as many as it has windows.
"""

from __future__ import annotations

from inference.engine.kit import PipelineSpec
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

PIPELINES: dict[type[Request], PipelineSpec] = {
    FlashTextToImage: PipelineSpec(flash, flash_steps),
    TextToImage: PipelineSpec(text_to_image, text_to_image_steps),
    Refine: PipelineSpec(refine, refine_steps),
    Inpaint: PipelineSpec(inpaint, inpaint_steps),
    Outpaint: PipelineSpec(outpaint, outpaint_steps),
    Mix: PipelineSpec(mix, mix_steps),
    FlashMix: PipelineSpec(flash_mix, flash_mix_steps),
    Control: PipelineSpec(control, control_steps),
    Upscale: PipelineSpec(upscale, upscale_steps),
}
