"""Other words for what was made from pictures: these, the mask and whatever else was chosen stay as they are."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from bot.jobs.compose import Composition
from bot.modes import base as composition
from bot.modes import framing
from bot.modes.base import Wish
from bot.modes.extend.canvas import Canvas, most_side, with_ratio
from bot.prompt import NOT_FOR_FLASH, Command, Misplaced, PromptLine, parse
from bot.store import Given
from inference.requests import (
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    Rewrite,
    Source,
    TextToImage,
)

PictureRequest = Mix | FlashMix | Control | Refine | Inpaint | Outpaint


def is_editable(request: AnyRequest) -> bool:
    """Whether a request has words that could be others."""
    return not isinstance(request, Rewrite) and bool(request.words)


def is_of_words_alone(request: AnyRequest) -> bool:
    """Whether its words and their parameters are all there is to a request."""
    return isinstance(request, FlashTextToImage | TextToImage)


def said_of(text: str, request: PictureRequest) -> PromptLine:
    """What a person says of a request, in the parameters of the command that asks for such. Raises PromptError."""
    line = parse(text, _command(request))
    drawn_over = isinstance(request, Refine)
    if drawn_over and (line.iw is not None or line.mode is not None):
        raise Misplaced("iw" if line.iw is not None else str(line.mode), ("mix",))
    return line


def edited(request: PictureRequest, line: PromptLine, said: PromptLine, wish: Wish) -> Composition:
    """The request composed anew from its `line` and what is `said` now; unsaid stays as it was, but for the seed.

    The line of `wish` is ignored. Raises PromptError, and canvas.NothingToAdd for the shape that a picture has.
    """
    line = _merged(line, said)
    match request:
        case Mix() | FlashMix() if line.strength is not None:
            return composition.refine(replace(wish, line=line), _given(request.images[0]), line.strength)
        case Mix() | FlashMix():
            guidance = {"guidance": request.guidance_scale} if isinstance(request, Mix) else {}
            pictures = [(_given(image), image.weight) for image in request.images]
            return composition.mix(replace(wish, line=line), pictures, scale=request.image_scale, **guidance)
        case Control():
            line = replace(line, method=line.method or request.kind)
            looks = [_given(style) for style in request.styles]
            return composition.control(replace(wish, line=line), _given(request.image), looks)
        case Refine():
            strength = request.strength if line.strength is None else line.strength
            return composition.refine(replace(wish, line=line), _given(request.image), strength)
        case Inpaint():
            return framing.inpaint(replace(wish, line=line), _given(request.image), request.mask)
        case Outpaint():
            size = (request.image.width, request.image.height)
            same = Canvas(request.width, request.height, request.box)
            most = most_side(min(wish.card.of("outpaint").native_size))
            canvas = same if line.ar is None else with_ratio(size, line.ar, most)
            return framing.outpaint(replace(wish, line=line), _given(request.image), canvas)


def _merged(line: PromptLine, said: PromptLine) -> PromptLine:
    """The line with what is said now; of Flash and what Flash has no use for, what was said last stays."""
    now = {field.name: getattr(said, field.name) for field in fields(said) if getattr(said, field.name) is not None}
    if said.mode == "flash":
        dropped: dict[str, Any] = dict.fromkeys(NOT_FOR_FLASH)
        line = replace(line, **dropped)
    elif line.mode == "flash" and now.keys() & set(NOT_FOR_FLASH):
        line = replace(line, mode=None)
    return replace(line, **{**now, "prompt": said.prompt or line.prompt, "seed": said.seed})


def _command(request: PictureRequest) -> Command:
    match request:
        case Mix() | FlashMix():
            return "mix" if len(request.images) > 1 else "restyle"
        case Control():
            return "control"
        case Refine():
            return "restyle"
        case Inpaint():
            return "inpaint"
        case Outpaint():
            return "outpaint"


def _given(source: Source) -> Given:
    """A picture to compose from; what it is in the history is told with the order."""
    return Given(source=Source(blob=source.blob, width=source.width, height=source.height))
