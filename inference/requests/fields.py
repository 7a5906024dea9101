"""What values of the contract are made of: bounded numbers and words, sources. Everything is frozen and strict."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

MAX_PROMPT_CHARS = 1000
MAX_PICTURES = 10
MAX_SIDE = 2048
MAX_AREA = 1536 * 1024
SIDE_STEP = 64
FLASH_STEPS = 4
MAX_SOURCES = 4
MAX_PIXELS = 64_000_000  # of any picture, given or made
MAX_PICTURE_SIDE = 16_384

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_PICTURES)]
Side = Annotated[int, Field(ge=SIDE_STEP, le=MAX_SIDE)]
Prompt = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of a blob")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Guidance = Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)]
Scale = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Level = Annotated[float, Field(ge=-255, le=255, allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=1, le=100)]


class Contract(BaseModel):
    """A frozen value that refuses unknown fields, unless it is read as `OF_ANY_VERSION`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Leniency(TypedDict):
    """Arguments of pydantic's `validate…`."""

    extra: Any
    context: dict[str, Any]


_PASSING_OVER = "passing over what a later version has added"
OF_ANY_VERSION = Leniency(extra="ignore", context={_PASSING_OVER: True})  # for what is told by a program of its own


def passes_over(info: ValidationInfo) -> bool:
    """Whether what is being read may come of a later version, whose additions are passed over."""
    return bool(info.context and info.context.get(_PASSING_OVER))


class InvalidRequest(ValueError):
    """A request outside its bounds. `field` names what is wrong, `reason` says why in one English clause."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


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
