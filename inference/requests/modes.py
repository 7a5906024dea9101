"""One request type for each thing the studio can make. A job is a pure function of its request."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from inference.requests.fields import (
    MAX_AREA,
    MAX_PICTURE_SIDE,
    MAX_PIXELS,
    MAX_SIDE,
    MAX_SOURCES,
    SIDE_STEP,
    Contract,
    Digest,
    Guidance,
    InvalidRequest,
    Level,
    Prompt,
    Scale,
    Seeds,
    Share,
    Side,
    Steps,
)

Kind = Literal[
    "flash", "full", "refine", "inpaint", "outpaint", "mix", "mix_flash", "hed", "depth", "scribble",
    "x2", "x4", "flash_x2", "beautify", "translate",
]  # fmt: skip
NegativeMode = Literal["sane", "official"]


class Source(Contract):
    """A picture to work from: its PNG lies in the blob store, upright, RGB, of this size in pixels."""

    blob: Digest
    width: Annotated[int, Field(ge=1, le=MAX_PICTURE_SIDE)]
    height: Annotated[int, Field(ge=1, le=MAX_PICTURE_SIDE)]

    @model_validator(mode="after")
    def _bounded_area(self) -> Self:
        if self.width * self.height > MAX_PIXELS:
            raise ValueError(f"must not exceed {MAX_PIXELS} pixels")
        return self


class WeighedSource(Source):
    """A source and how much of it a mix takes. Weights are used as they are; they need not add up to one."""

    weight: Annotated[float, Field(ge=-1, le=2, allow_inf_nan=False)] = 1.0


Sources = Annotated[tuple[WeighedSource, ...], Field(min_length=1, max_length=MAX_SOURCES)]
Styles = Annotated[tuple[WeighedSource, ...], Field(max_length=MAX_SOURCES)]


class _Words(Contract):
    prompt: Prompt
    seeds: Seeds


class _Sized(_Words):
    """Draws on a canvas of the model's own sizes."""

    width: Side = 1024
    height: Side = 1024

    @field_validator("width", "height")
    @classmethod
    def _multiple_of_64(cls, side: int) -> int:
        if side % SIDE_STEP:
            lower = max(SIDE_STEP, side // SIDE_STEP * SIDE_STEP)
            raise ValueError(f"must be a multiple of {SIDE_STEP}; the nearest are {lower} and {lower + SIDE_STEP}")
        return side

    @model_validator(mode="after")
    def _bounded_area(self) -> Self:
        if self.width * self.height > MAX_AREA:
            raise ValueError(f"width x height must not exceed {MAX_AREA} pixels")
        return self


class _Guided(Contract):
    """Classifier-free guidance, e = (w + 1)·e_cond - w·e_uncond.

    `negative_mode` is "official" to tokenise the negative prompt exactly as the published code does (cut to the
    prompt's length, the prompt's mask), "sane" to give it its own length and mask.
    """

    negative_prompt: Prompt = ""
    negative_mode: NegativeMode = "sane"
    steps: Steps = 50
    guidance_scale: Guidance = 3.0
    eta: Share = 1.0


class FlashTextToImage(_Sized):
    """Four-step Kandinsky 3.1 Flash. The distilled net takes neither guidance nor a negative prompt, so it has none."""

    kind: Literal["flash"] = "flash"


class TextToImage(_Guided, _Sized):
    """Kandinsky 3.1: a picture from a sentence."""

    kind: Literal["full"] = "full"


class Refine(_Guided, _Sized):
    """A picture drawn over by the full model: noise is added up to `strength` of the way and taken out again."""

    kind: Literal["refine"] = "refine"
    image: Source
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.3


class Inpaint(_Guided, _Words):
    """Repaints the white part of `mask`, a PNG (L) of the size of the image. The result has the size of the image.

    `focus`: a small area is repainted in a crop around it, at the model's full resolution. `paste`: everything outside
    the mask is the image's own pixels, joined by a feathered edge. With both off it is what the published code
    makes, brought to that size. `native_side`: the net is at its best with pictures of that many pixels squared
    (`ModelCard.native_size`).
    """

    kind: Literal["inpaint"] = "inpaint"
    image: Source
    mask: Digest
    guidance_scale: Guidance = 4.0
    focus: bool = True
    paste: bool = True
    native_side: Side = 1024


class Outpaint(_Guided, _Words):
    """Puts the image, resized to `box` = (x, y, width, height), on a canvas of width x height and paints the rest.

    `native_side` as in `Inpaint`: what does not fit there, or knows too little, is painted window by window.
    """

    kind: Literal["outpaint"] = "outpaint"
    image: Source
    width: Annotated[int, Field(ge=SIDE_STEP, le=2 * MAX_SIDE)]
    height: Annotated[int, Field(ge=SIDE_STEP, le=2 * MAX_SIDE)]
    box: tuple[int, int, int, int]
    guidance_scale: Guidance = 4.0
    native_side: Side = 1024

    @model_validator(mode="after")
    def _box_lies_inside(self) -> Self:
        x, y, width, height = self.box
        if min(x, y) < 0 or min(width, height) < 1 or x + width > self.width or y + height > self.height:
            raise ValueError("box must lie inside the canvas")
        if (width, height) == (self.width, self.height):
            raise ValueError("box must leave something to paint")
        return self


class Mix(_Guided, _Sized):
    """IP-Adapter: a variation of one picture, a mix of several, with or without words."""

    kind: Literal["mix"] = "mix"
    images: Sources
    image_scale: Scale = 1.0
    guidance_scale: Guidance = 7.5


class FlashMix(_Sized):
    """The adapter grafted on the distilled net: quick and experimental, nobody trained it so."""

    kind: Literal["mix_flash"] = "mix_flash"
    images: Sources
    image_scale: Scale = 1.0


class Control(_Guided, _Sized):
    """Keeps the outlines (hed, scribble) or the relief (depth) of `image`, takes everything else from the words.

    `drawn`: the image is itself the outline drawing or the depth map. `start` and `end` are the shares of the steps
    between which it is held to, `scale` how tightly. With `styles` the look comes from other pictures (depth and
    scribble only): style transfer. `hint_range` is what black and white of the outlines or the map are to the net.
    Nobody has published it; [0, 1] is what the same authors' control nets of Kandinsky 2.2 take.
    """

    kind: Literal["hed", "depth", "scribble"]
    image: Source
    drawn: bool = False
    scale: Scale = 1.0
    start: Share = 0.0
    end: Share = 1.0
    guidance_scale: Guidance = 7.0
    styles: Styles = ()
    style_scale: Scale = 1.0
    hint_range: tuple[Level, Level] = (0.0, 1.0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.start > self.end:
            raise ValueError("start must not lie behind end")
        if self.styles and self.kind == "hed":
            raise ValueError("styles go with depth and scribble only")
        if self.hint_range[0] == self.hint_range[1]:
            raise ValueError("hint_range must tell black from white")
        return self


class Upscale(Contract):
    """KandiSuperRes: two or four times the size. `refine` (flash_x2 only) draws detail over with the Flash model.

    `exact_official_resize` stretches odd sizes as the published code does, for comparisons; else they are padded.
    """

    kind: Literal["x2", "x4", "flash_x2"]
    image: Source
    seeds: Seeds
    refine: bool = True
    exact_official_resize: bool = False

    @model_validator(mode="after")
    def _bounded_result(self) -> Self:
        if self.width * self.height > MAX_PIXELS:
            raise ValueError(f"the result must not exceed {MAX_PIXELS} pixels")
        return self

    @property
    def factor(self) -> int:
        return 4 if self.kind == "x4" else 2

    @property
    def width(self) -> int:
        return self.image.width * self.factor

    @property
    def height(self) -> int:
        return self.image.height * self.factor


class Rewrite(_Words):
    """A better prompt from a language model, or the same words in English. Makes text, no picture."""

    kind: Literal["beautify", "translate"]


AnyRequest = FlashTextToImage | TextToImage | Refine | Inpaint | Outpaint | Mix | FlashMix | Control | Upscale | Rewrite
Request = Annotated[AnyRequest, Field(discriminator="kind")]
_REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(Request)


def parse_request(fields: dict[str, Any] | str | bytes) -> AnyRequest:
    """The request that a mapping or a JSON text describes. Raises InvalidRequest that names the first wrong field."""
    try:
        return _REQUEST.validate_python(fields) if isinstance(fields, dict) else _REQUEST.validate_json(fields)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        names = [str(part) for part in first["loc"][1:]]
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            names.append("kind")
        raise InvalidRequest(".".join(names) or "request", first["msg"]) from refusal


def needs(request: AnyRequest) -> tuple[Kind, ...]:
    """The kinds whose weights a request takes: its own, and that of image prompts for a style."""
    if isinstance(request, Control) and request.styles:
        return (request.kind, "mix")
    return (request.kind,)


def sources(request: AnyRequest) -> tuple[str, ...]:
    """Digests of the blobs that a request works from."""
    match request:
        case Inpaint():
            return (request.image.blob, request.mask)
        case Control():
            return (request.image.blob, *(style.blob for style in request.styles))
        case Refine() | Outpaint() | Upscale():
            return (request.image.blob,)
        case Mix() | FlashMix():
            return tuple(image.blob for image in request.images)
        case _:
            return ()


def size_of(request: AnyRequest) -> tuple[int, int]:
    """Width and height in pixels of what a request makes; (0, 0) for text."""
    if isinstance(request, Rewrite):
        return (0, 0)
    if isinstance(request, Inpaint):
        return (request.image.width, request.image.height)
    return (request.width, request.height)
