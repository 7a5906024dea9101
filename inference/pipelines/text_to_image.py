"""Kandinsky 3.1 (github.com/ai-forever/Kandinsky-3): a picture from a sentence, with classifier-free guidance."""

from __future__ import annotations

from inference.conditioning import Context, TokenIds, negative_ids
from inference.pipelines.asks import Denoise, Drawing, Encode, Pipeline, Show, Tools
from inference.pipelines.parts import decode_each, noise_streams, prompt_notes
from inference.requests import TextToImage
from inference.sampling import full_coefficients, full_step, stack_next, timesteps


def text_to_image(request: TextToImage, tools: Tools) -> Pipeline:
    """Draws one picture per seed by the full sampler.

    Guidance leads away from the negative prompt, or from the learnt null embedding where there is none. At guidance 0
    the unconditional half would be multiplied by zero, so it is neither encoded nor computed.
    """
    prompt = tools.tokenize(request.prompt)
    negative = tools.tokenize(request.negative_prompt) if request.negative_prompt else None
    texts: list[TokenIds | None] = [prompt.ids]
    if request.guidance_scale > 0:
        texts.append(negative_ids(prompt, negative, request.negative_mode) if negative else None)
    contexts: tuple[Context, ...] = yield Encode("full", tuple(texts))

    noise = noise_streams(request)
    x = stack_next(noise, tools.device)  # [B, 4, H/8, W/8]
    x0 = x
    for step in full_coefficients(request.steps, request.eta):
        eps_cond, *eps_uncond = yield Denoise("full", x, step.t, contexts)
        x, x0 = full_step(
            x,
            eps_cond,
            eps_uncond[0] if eps_uncond else None,
            guidance_scale=request.guidance_scale,
            step=step,
            noise=stack_next(noise, tools.device) if step.sigma else None,
        )
        yield Show(x0)
    pictures = yield from decode_each(x)
    return Drawing(pictures, prompt_notes(prompt, negative if request.guidance_scale > 0 else None))


def text_to_image_steps(request: TextToImage) -> int:
    """One ask for the texts, one per timestep, one per picture decoded."""
    return 1 + len(timesteps(request.steps)) + len(request.seeds)
