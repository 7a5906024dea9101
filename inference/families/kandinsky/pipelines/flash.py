"""Kandinsky 3.1 Flash (arXiv:2410.21061): a picture from a sentence in four passes of the distilled U-Net."""

from __future__ import annotations

from inference.engine.asks import Drawing, Pipeline, Show
from inference.families.kandinsky.asks import Denoise, Encode, Tools
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.pipelines.parts import decode_each, noise_streams, prompt_notes
from inference.families.kandinsky.sampling import flash_coefficients, flash_renoise, flash_x0, stack_next
from inference.requests import FLASH_STEPS, FlashTextToImage


def flash(request: FlashTextToImage, tools: Tools) -> Pipeline:
    """Draws one picture per seed: noise the estimate again, predict it anew, four times; the first estimate is
    noise."""
    prompt = tools.tokenize(request.prompt)
    context: Context
    (context,) = yield Encode("flash", (prompt.ids,))
    noise = noise_streams(request)
    x0 = stack_next(noise, tools.device)  # [B, 4, H/8, W/8]
    for step in flash_coefficients():
        x = flash_renoise(x0, stack_next(noise, tools.device), step)
        (eps,) = yield Denoise("flash", x, step.t, (context,))
        x0 = flash_x0(x, eps, step)
        yield Show(x0)
    pictures = yield from decode_each(x0)
    return Drawing(pictures, prompt_notes(prompt))


def flash_steps(request: FlashTextToImage) -> int:
    """One ask for the text, one per pass, one per picture decoded."""
    return 1 + FLASH_STEPS + len(request.seeds)
