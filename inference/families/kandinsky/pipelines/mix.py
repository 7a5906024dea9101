"""Pictures from pictures by the IP-Adapter: variations of one, mixtures of several, with words or without."""

from __future__ import annotations

from inference.engine.asks import Drawing, Pipeline, Show
from inference.families.kandinsky.asks import Denoise, Encode, Tools
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.pipelines.adapted import (
    FILLER,
    PICTURE_PROMPT_ASKS,
    denoise_adapted,
    look_at,
    read_by_rule,
)
from inference.families.kandinsky.pipelines.parts import decode_each, noise_streams, prompt_notes
from inference.families.kandinsky.sampling import flash_coefficients, flash_renoise, flash_x0, stack_next
from inference.requests import FLASH_STEPS, FlashMix, Mix, Note


def mix(request: Mix, tools: Tools) -> Pipeline:
    """Draws one picture per seed, as the published pipeline of the adapter does."""
    contexts, notes = yield from read_by_rule(request, _words(request), "mix", "ip_adapter", tools)
    tokens = yield from look_at(request.images, "mix", guided=request.guidance_scale > 0, tools=tools)
    noise = noise_streams(request)
    latents = yield from denoise_adapted(
        request,
        "mix",
        contexts,
        noise,
        tools.device,
        image_tokens=tokens,
        image_scale=request.each or request.image_scale,
    )
    pictures = yield from decode_each(latents)
    return Drawing(pictures, notes)


def mix_steps(request: Mix) -> int:
    """One ask for the texts, two for the image prompt, one per timestep, one per picture decoded."""
    return 1 + PICTURE_PROMPT_ASKS + request.steps + len(request.seeds)


def flash_mix(request: FlashMix, tools: Tools) -> Pipeline:
    """The four steps of Flash with the adapter on its net. It was trained for another net: a quick look, no more."""
    prompt = tools.tokenize(_words(request))
    context: Context
    (context,) = yield Encode("mix_flash", (prompt.ids,))
    tokens = yield from look_at(request.images, "mix_flash", guided=False, tools=tools)
    noise = noise_streams(request)
    x0 = stack_next(noise, tools.device)  # [B, 4, H/8, W/8]
    for step in flash_coefficients():
        x = flash_renoise(x0, stack_next(noise, tools.device), step)
        (eps,) = yield Denoise("mix_flash", x, step.t, (context,), tokens, request.each or request.image_scale)
        x0 = flash_x0(x, eps, step)
        yield Show(x0)
    pictures = yield from decode_each(x0)
    said = prompt_notes(prompt) if request.prompt.strip() else ()  # nobody typed the filler
    return Drawing(pictures, (*said, Note(code="experimental")))


def flash_mix_steps(request: FlashMix) -> int:
    """One ask for the text, two for the image prompt, one per pass, one per picture decoded."""
    return 1 + PICTURE_PROMPT_ASKS + FLASH_STEPS + len(request.seeds)


def _words(request: Mix | FlashMix) -> str:
    return request.prompt if request.prompt.strip() else FILLER
