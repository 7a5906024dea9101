"""What the IP-Adapter and the ControlNets have in common: words by their rules, image prompts, and their sampler.

The recipe is that of github.com/ai-forever/kandinsky3-diffusers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from inference.engine.asks import Ask
from inference.families.kandinsky.asks import Denoise, EmbedImages, Encode, ImageTokens, Structure, Tools
from inference.families.kandinsky.conditioning import MAX_TOKENS, Context, TextRule, TokenIds, Tokens, cut_ids
from inference.families.kandinsky.files.catalogue import UNet
from inference.families.kandinsky.pipelines.guided import follow
from inference.families.kandinsky.pipelines.parts import prompt_notes
from inference.families.kandinsky.sampling import (
    PictureNoise,
    StepCoefficients,
    ddpm_coefficients,
    ddpm_step,
    stack_next,
)
from inference.requests import Control, Mix, Note, WeighedSource

FILLER = "4k photo"  # the published words for a picture prompt without any
PICTURE_PROMPT_ASKS = 2

Adapted = Mix | Control


def read_by_rule(
    request: Adapted, words: str, unet: UNet, rule: TextRule, tools: Tools
) -> Generator[Ask, Any, tuple[tuple[Context, ...], tuple[Note, ...]]]:
    """Contexts of `words` and, when there is guidance, of what it leads away from; and notes on how they were read."""
    prompt = tools.tokenize(words)
    texts: list[TokenIds | None] = [prompt.ids]
    negative = None
    if request.guidance_scale > 0:
        negative = tools.tokenize(request.negative_prompt)
        texts.append(_negative(request, prompt, negative, rule))
    whole = request.negative_mode == "sane"
    contexts: tuple[Context, ...] = yield Encode(unet, tuple(texts), rule, whole_negatives=whole)
    return contexts, prompt_notes(prompt, negative) if request.prompt.strip() else ()  # nobody typed the filler


def _negative(request: Adapted, prompt: Tokens, negative: Tokens, rule: TextRule) -> TokenIds | None:
    """Without a negative prompt the HED net leads away from nothing at all, the others from the empty text."""
    if rule == "hed" and not request.negative_prompt:
        return None
    if rule == "controlnet" and request.negative_mode == "official":
        return cut_ids(negative.ids, min(len(prompt.ids) + 1, MAX_TOKENS))
    return negative.ids


def look_at(
    images: Sequence[WeighedSource], unet: UNet, *, guided: bool, tools: Tools
) -> Generator[Ask, Any, tuple[Tensor, ...]]:
    """The image prompt [1, T, C] of a weighed sum of pictures and, when `guided`, that of the mean-grey picture.

    The weights are taken as they are. CLIP sees the middle square of each picture.
    """
    pictures = [tools.picture(image.blob) for image in images]
    seen: tuple[Tensor, ...] = yield EmbedImages((*pictures, *([None] if guided else [])))
    mixed = torch.stack([image.weight * one for image, one in zip(images, seen, strict=False)]).sum(0)  # [D]
    tokens: tuple[Tensor, ...] = yield ImageTokens(unet, (mixed, *seen[len(images) :]))
    return tokens


def denoise_adapted(
    request: Adapted,
    unet: UNet,
    contexts: tuple[Context, ...],
    noise: Sequence[PictureNoise],
    device: torch.device,
    *,
    image_tokens: tuple[Tensor, ...] = (),
    image_scale: float | tuple[float, ...] = 1.0,
    structure_at: Callable[[int], Structure | None] = lambda index: None,
) -> Generator[Ask, Any, Tensor]:
    """The final latents [B, 4, h, w], one per stream of `noise`; `structure_at` says what each step is held to."""

    def ask(index: int, step: StepCoefficients, x: Tensor) -> Denoise:
        return Denoise(unet, x, step.t, contexts, image_tokens, image_scale, structure_at(index))

    x = stack_next(noise, device)  # [B, 4, H/8, W/8]
    steps = ddpm_coefficients(request.steps, request.eta)
    return (yield from follow(x, steps, noise, ask, ddpm_step, request.guidance_scale))
