"""Classifier-free guidance from words to final latents: what every full-length method of Kandinsky 3.1 does."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from inference.engine.asks import Ask, Show
from inference.families.kandinsky.asks import Denoise, Encode, Tools
from inference.families.kandinsky.conditioning import Context, TokenIds, negative_ids
from inference.families.kandinsky.files.catalogue import UNet
from inference.families.kandinsky.pipelines.parts import prompt_notes
from inference.families.kandinsky.sampling import (
    PERCENTILE,
    PictureNoise,
    Step,
    StepCoefficients,
    full_step,
    stack_next,
)
from inference.requests import Inpaint, Note, Outpaint, Refine, Stage, TextToImage

Guided = TextToImage | Refine | Inpaint | Outpaint


def read(
    request: Guided, unet: UNet, tools: Tools
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
    contexts: tuple[Context, ...] = yield Encode(unet, tuple(texts))
    return contexts, prompt_notes(prompt, negative)


def denoise(
    request: Guided,
    unet: UNet,
    x: Tensor,
    steps: Sequence[StepCoefficients],
    contexts: tuple[Context, ...],
    noise: Sequence[PictureNoise],
    *,
    percentile: float = PERCENTILE,
    seen: Callable[[Tensor], Tensor] = lambda x: x,
    stage: Stage = "drawing",
) -> Generator[Ask, Any, Tensor]:
    """The final latents [B, 4, h, w] from the state `x` at the first of `steps`; the net looks at `seen(x)`, a person
    is told of `stage`."""

    def ask(_index: int, step: StepCoefficients, x: Tensor) -> Denoise:
        return Denoise(unet, seen(x), step.t, contexts, stage=stage)

    by = partial(full_step, percentile=percentile)
    return (yield from follow(x, steps, noise, ask, by, request.guidance_scale))


def follow(
    x: Tensor,
    steps: Sequence[StepCoefficients],
    noise: Sequence[PictureNoise],
    ask: Callable[[int, StepCoefficients, Tensor], Denoise],
    by: Callable[..., Step],
    guidance_scale: float,
) -> Generator[Ask, Any, Tensor]:
    """The final latents [B, 4, h, w] from the state `x` at the first of `steps`, one stream of `noise` a picture.

    `ask` gives what the net is asked at a step of this index, `by` takes the step (`full_step`, `ddpm_step`).
    """
    for index, step in enumerate(steps):
        eps_cond, *eps_uncond = yield ask(index, step, x)
        x, x0 = by(
            x,
            eps_cond,
            eps_uncond[0] if eps_uncond else None,
            guidance_scale=guidance_scale,
            step=step,
            noise=stack_next(noise, x.device) if step.sigma else None,
        )
        yield Show(x0)
    return x
