"""The fields of OpenAI's images API, with ours beside them, and what they mean here.

https://platform.openai.com/docs/api-reference/images. Fields that have no meaning for a diffusion model on one's own
machine (`user`, `moderation`, `input_fidelity`) are taken and left alone; what cannot be had is refused by name.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from inference.api.errors import ApiError, wrong
from inference.api.house import Format
from inference.api.wishes import Quality
from inference.requests import MAX_PICTURES, MAX_PROMPT_CHARS

MODEL = "kandinsky-3.1"
MODELS: dict[str, Quality | None] = {MODEL: None, f"{MODEL}-flash": "flash", f"{MODEL}-full": "full"}
QUALITIES: dict[str, Quality | None] = {
    "auto": None,
    "medium": None,
    "low": "flash",
    "standard": "flash",
    "flash": "flash",
    "high": "full",
    "hd": "full",
    "full": "full",
}
MOST_PARTIALS = 3
LEAST_SIDE, MOST_SIDE, MOST_RATIO = 64, 4096, 4
_SIZE = re.compile(r"([0-9]{2,4})x([0-9]{2,4})", re.ASCII)


def _said(text: str) -> str:
    """Text that can be stored and shown: no half characters, no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text of whole characters") from None
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text


def _wanted(text: str) -> str:
    if not text.strip():
        raise ValueError("must say something")
    return text


def _sized(text: str) -> str:
    """Raises ValueError where no such picture could be asked for."""
    if text == "auto":
        return text
    found = _SIZE.fullmatch(text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(width, height) < LEAST_SIDE or max(width, height) > MOST_SIDE:
        raise ValueError(f"must be auto, or width x height like 1024x1024, each from {LEAST_SIDE} to {MOST_SIDE}")
    if max(width, height) > MOST_RATIO * min(width, height):
        raise ValueError(f"must not be longer than {MOST_RATIO} times as it is wide")
    return text


def _whole(number: Any) -> Any:
    """JSON knows no difference between 1 and 1.0."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Text = Annotated[str, Field(max_length=MAX_PROMPT_CHARS), AfterValidator(_said)]
Whole = BeforeValidator(_whole)
Name = Annotated[str, Field(max_length=64), AfterValidator(_said)]


class Fields(BaseModel):
    """What all requests for pictures have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Name | None = None
    n: Annotated[int, Whole, Field(ge=1, le=MAX_PICTURES)] | None = None
    size: Annotated[str, Field(pattern=r"^(auto|[0-9]{2,4}x[0-9]{2,4})$"), AfterValidator(_sized)] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    user: Name | None = None
    seed: Annotated[int, Whole, Field(ge=0, le=2**32 - 1)] | None = None

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Width and height, with the ratio in its lowest terms; None where the studio is to choose."""
        if self.size is None or self.size == "auto":
            return None
        width, height = (int(side) for side in self.size.split("x"))
        common = math.gcd(width, height)
        return width // common, height // common


class Output(Fields):
    """The same with how the answer is to look."""

    quality: Literal["auto", "low", "medium", "high", "standard", "hd", "flash", "full"] | None = None
    style: Name | None = None
    background: Literal["auto", "opaque", "transparent"] | None = None
    moderation: Name | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Whole, Field(ge=0, le=100)] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Whole, Field(ge=0, le=MOST_PARTIALS)] | None = None
    steps: Annotated[int, Whole, Field(ge=1, le=100)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)] | None = None
    negative_prompt: Text | None = None

    @property
    def kind(self) -> Format:
        return self.output_format or "png"

    @property
    def compression(self) -> int:
        """The quality of a JPEG or a WebP, from 1 to 100."""
        return max(1, self.output_compression) if self.output_compression is not None else 90

    @property
    def wished(self) -> dict[str, Any]:
        """This as fields of a wish that is drawn by words. Raises ApiError."""
        return {
            "count": self.n or 1,
            "size": self.pixels,
            "quality": quality_of(self.model, self.quality),
            "style": self.style,
            "seed": self.seed,
            "steps": self.steps,
            "guidance_scale": self.guidance_scale,
            "negative_prompt": self.negative_prompt,
        }


class Generation(Output):
    """`POST /v1/images/generations`."""

    prompt: Annotated[Text, AfterValidator(_wanted)]


class Edit(Output):
    """`POST /v1/images/edits`, but for its files."""

    prompt: Annotated[Text, AfterValidator(_wanted)]
    input_fidelity: Name | None = None
    strength: Annotated[float, Field(ge=0.05, le=1, allow_inf_nan=False)] | None = None


class Variation(Fields):
    """`POST /v1/images/variations`, but for its file."""

    strength: Annotated[float, Field(ge=0.05, le=1, allow_inf_nan=False)] | None = None


class Upscale(BaseModel):
    """`POST /v1/images/upscales`, a route of our own, but for its file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Name | None = None
    factor: Literal[2, 4] | None = None
    quality: Literal["auto", "low", "high", "flash", "full"] | None = None
    seed: Annotated[int, Whole, Field(ge=0, le=2**32 - 1)] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Whole, Field(ge=0, le=100)] | None = None
    user: Name | None = None


Model = TypeVar("Model", bound=BaseModel)


def read_json(kind: type[Model], fields: dict[str, Any]) -> Model:
    """The fields of a JSON body, of just the types that they should have. Raises ApiError that names the first wrong
    one."""
    return _read(kind, fields, strict=True)


def read_form(kind: type[Model], fields: dict[str, str]) -> Model:
    """The same of a form, where everything is text and what is empty has not been said."""
    said: dict[str, Any] = {name: value for name, value in fields.items() if value != ""}
    if "factor" in said and said["factor"].isdecimal():  # not the digits that int() does not read, like ²
        said["factor"] = int(said["factor"][:4])
    return _read(kind, said, strict=False)


def quality_of(model: str | None, quality: str | None) -> Quality | None:
    """What a model and a quality come to. Raises ApiError."""
    if model is not None and model not in MODELS:
        raise ApiError(
            404, "model_not_found", f"There is no such model here; there is {', '.join(MODELS)}.", param="model"
        )
    by_model, by_quality = MODELS[model or MODEL], QUALITIES[quality or "auto"]
    if by_model and by_quality and by_model != by_quality:
        raise wrong("quality", f"The model {model} draws in no other quality than its own.")
    return by_model or by_quality


def check_output(fields: Fields) -> None:
    """Refuses what no answer can look like. Raises ApiError."""
    if fields.response_format == "url":
        raise wrong("response_format", "Pictures come in the answer itself: use b64_json.", "unsupported_value")
    if isinstance(fields, Output):
        if fields.background == "transparent":
            raise wrong("background", "The model draws no transparent pictures.", "unsupported_value")
        if fields.partial_images and not fields.stream:
            raise wrong("partial_images", "Partial images come only where stream is true.")


def _read(kind: type[Model], fields: dict[str, Any], *, strict: bool) -> Model:
    try:
        return kind.model_validate(fields, strict=strict)
    except ValidationError as refusal:
        first = refusal.errors(include_input=False, include_url=False, include_context=False)[0]
        name = str(first["loc"][0])[:64].encode("utf-8", "replace").decode() if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            raise wrong(name, f"Unknown parameter: {name!r}.", "unknown_parameter") from None
        if first["type"] == "missing":
            raise wrong(name, f"Missing required parameter: {name!r}.", "missing_required_parameter") from None
        said = first["msg"].removeprefix("Value error, ")
        raise wrong(name, f"Invalid value for {name!r}: {said[:1].lower()}{said[1:]}.") from None
