"""Classifier-free guidance from words to final latents: what every full-length method of Kandinsky 3.1 does."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from torch import Tensor

from inference.checkpoints.catalogue import Mode
from inference.conditioning import Context, TokenIds, negative_ids
from inference.pipelines.asks import Ask, Denoise, Encode, Show, Tools
from inference.pipelines.parts import prompt_notes
from inference.requests import Inpaint, Note, Outpaint, Refine, TextToImage
from inference.sampling import PERCENTILE, PictureNoise, StepCoefficients, full_step, stack_next

Guided = TextToImage | Refine | Inpaint | Outpaint


def read(
    request: Guided, mode: Mode, tools: Tools
) -> Generator[Ask, Any, tuple[tuple[Context, ...], tuple[Note, ...]]]:
    """Contexts of the prompt and of what guidance leads away from, and what a person should know of their words.

    That is the negative prompt, or the learnt null embedding of the net where there is none. At guidance 0 the
    unconditional half would be multiplied by zero, so it is not encoded at all.
    """
    prompt = tools.tokenize(request.prompt)
    guided = request.guidance_scale > 0
    negative = tools.tokenize(request.negative_prompt) if guided and request.negative_prompt else None
    texts: list[TokenIds | None] = [prompt.ids]
    if guided:
        texts.append(negative_ids(prompt, negative, request.negative_mode) if negative else None)
    contexts: tuple[Context, ...] = yield Encode(mode, tuple(texts))
    return contexts, prompt_notes(prompt, negative)


def denoise(
    request: Guided,
    mode: Mode,
    x: Tensor,
    steps: Sequence[StepCoefficients],
    contexts: tuple[Context, ...],
    noise: Sequence[PictureNoise],
    *,
    percentile: float = PERCENTILE,
    seen: Callable[[Tensor], Tensor] = lambda x: x,
) -> Generator[Ask, Any, Tensor]:
    """The final latents [B, 4, h, w] from the state `x` at the first of `steps`; the net looks at `seen(x)`."""
    for step in steps:
        eps_cond, *eps_uncond = yield Denoise(mode, seen(x), step.t, contexts)
        x, x0 = full_step(
            x,
            eps_cond,
            eps_uncond[0] if eps_uncond else None,
            guidance_scale=request.guidance_scale,
            step=step,
            percentile=percentile,
            noise=stack_next(noise, x.device) if step.sigma else None,
        )
        yield Show(x0)
    return x
