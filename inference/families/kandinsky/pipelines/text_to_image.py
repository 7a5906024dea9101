"""Kandinsky 3.1 (github.com/ai-forever/Kandinsky-3): a picture from a sentence, with classifier-free guidance."""

from __future__ import annotations

from inference.engine.asks import Drawing, Pipeline
from inference.families.kandinsky.asks import Tools
from inference.families.kandinsky.pipelines.guided import denoise, read
from inference.families.kandinsky.pipelines.parts import decode_each, noise_streams
from inference.families.kandinsky.sampling import full_coefficients, stack_next, timesteps
from inference.requests import TextToImage


def text_to_image(request: TextToImage, tools: Tools) -> Pipeline:
    """Draws one picture per seed by the full sampler."""
    contexts, notes = yield from read(request, "full", tools)
    noise = noise_streams(request)
    x = stack_next(noise, tools.device)  # [B, 4, H/8, W/8]
    x = yield from denoise(request, "full", x, full_coefficients(request.steps, request.eta), contexts, noise)
    pictures = yield from decode_each(x)
    return Drawing(pictures, notes)


def text_to_image_steps(request: TextToImage) -> int:
    """One ask for the texts, one per timestep, one per picture decoded."""
    return 1 + len(timesteps(request.steps)) + len(request.seeds)
