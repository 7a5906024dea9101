"""Pictures held to the outlines or the relief of another (the HED net and the ControlNets of Kandinsky 3), with a look
from words or, through the IP-Adapter, from other pictures: style transfer."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal

from torch import Tensor

from inference.engine.asks import Ask, Drawing, Pipeline
from inference.families.kandinsky.asks import Outline, Structure, Tools
from inference.families.kandinsky.compositing import covering
from inference.families.kandinsky.conditioning import TextRule
from inference.families.kandinsky.files.catalogue import Net, UNet
from inference.families.kandinsky.pipelines.adapted import (
    FILLER,
    PICTURE_PROMPT_ASKS,
    denoise_adapted,
    look_at,
    read_by_rule,
)
from inference.families.kandinsky.pipelines.hints import drawn_map, hint_of
from inference.families.kandinsky.pipelines.parts import decode_each, noise_streams
from inference.requests import Control, InvalidRequest

CONTROL: Mapping[str, Net] = {"depth": "control_depth", "scribble": "control_scribble"}


def control(request: Control, tools: Tools) -> Pipeline:
    """Draws one picture per seed. The source is scaled to cover width x height and its middle is taken.

    The hint is the source itself where it was drawn as one; else HED finds the outlines at the size of the result.
    Nothing here estimates depth: InvalidRequest when a depth map is asked for and the image is none.
    """
    if request.kind == "depth" and not request.drawn:
        raise InvalidRequest("drawn", "the image must be a depth map, for nothing here estimates depth")
    unet, rule = _net(request)
    words = request.prompt if request.prompt.strip() or not request.styles else FILLER
    contexts, notes = yield from read_by_rule(request, words, unet, rule, tools)
    tokens: tuple[Tensor, ...] = ()
    if request.styles:
        tokens = yield from look_at(request.styles, unet, guided=request.guidance_scale > 0, tools=tools)
    grey = yield from _map(request, tools)
    hint = hint_of(grey, request.hint_range).to(tools.device)
    structure = Structure(CONTROL.get(request.kind), hint, request.scale)

    def structure_at(index: int) -> Structure | None:
        return structure if holds(request, index) else None

    latents = yield from denoise_adapted(
        request,
        unet,
        contexts,
        noise_streams(request),
        tools.device,
        image_tokens=tokens,
        image_scale=request.style_scale,
        structure_at=structure_at,
    )
    pictures = yield from decode_each(latents)
    return Drawing(pictures, notes)


def control_steps(request: Control) -> int:
    """One ask for the texts, two for styles, one for outlines, one per timestep, one per picture decoded."""
    before = 1 + (PICTURE_PROMPT_ASKS if request.styles else 0) + (0 if request.drawn else 1)
    return before + request.steps + len(request.seeds)


def holds(request: Control, index: int) -> bool:
    """Whether the step of this index is held to the structure: from the first to the last one between `start` and
    `end`, both included, as published. At scale 0 none is."""
    first, last = int(request.steps * request.start), int(request.steps * request.end)
    return request.scale > 0 and first <= index <= last


def _net(request: Control) -> tuple[UNet, TextRule]:
    """Which U-Net draws, and how its texts are treated."""
    if request.kind == "hed":
        return "hed", "hed"
    return ("mix", "ip_adapter") if request.styles else ("full", "controlnet")


def _map(request: Control, tools: Tools) -> Generator[Ask, Any, Tensor]:
    """Outlines or depth, uint8 [H, W], at the size of the result."""
    picture = tools.picture(request.image.blob)
    if request.drawn:
        return drawn_map(picture, request.kind, request.width, request.height)
    variant: Literal["soft", "scribble"] = "scribble" if request.kind == "scribble" else "soft"
    outlines: Tensor = yield Outline(covering(picture, request.width, request.height), variant)
    return outlines
