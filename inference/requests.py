"""The contract between whoever asks for pictures and whoever makes them.

Everything here is a frozen value without behaviour of its own, safe to store as JSON and to send between processes.
A job is a pure function of its request: seeds are drawn before it is submitted.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

MAX_PROMPT_CHARS = 1000
MAX_PICTURES = 10
MAX_SIDE = 2048
MAX_AREA = 1536 * 1024
SIDE_STEP = 64
FLASH_STEPS = 4

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Side = Annotated[int, Field(ge=SIDE_STEP, le=MAX_SIDE)]
Prompt = Annotated[str, Field(max_length=MAX_PROMPT_CHARS)]


class Contract(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InvalidRequest(ValueError):
    """A request outside its bounds. `field` names what is wrong, `reason` says why in one English clause."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class _Drawing(Contract):
    prompt: Prompt
    width: Side = 1024
    height: Side = 1024
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_PICTURES)]

    @field_validator("width", "height")
    @classmethod
    def _multiple_of_64(cls, side: int) -> int:
        if side % SIDE_STEP:
            lower = max(SIDE_STEP, side // SIDE_STEP * SIDE_STEP)
            raise ValueError(f"must be a multiple of {SIDE_STEP}; the nearest are {lower} and {lower + SIDE_STEP}")
        return side

    @model_validator(mode="after")
    def _bounded_area(self) -> _Drawing:
        if self.width * self.height > MAX_AREA:
            raise ValueError(f"width x height must not exceed {MAX_AREA} pixels")
        return self


class FlashTextToImage(_Drawing):
    """Four-step Kandinsky 3.1 Flash. The distilled net takes neither guidance nor a negative prompt, so it has none."""

    kind: Literal["flash"] = "flash"


class TextToImage(_Drawing):
    """Kandinsky 3.1 with classifier-free guidance, e = (w + 1)·e_cond - w·e_uncond.

    `negative_mode` is "official" to tokenise the negative prompt exactly as the published code does (cut to the
    prompt's length, the prompt's mask), "sane" to give it its own length and mask.
    """

    kind: Literal["full"] = "full"
    negative_prompt: Prompt = ""
    negative_mode: Literal["sane", "official"] = "sane"
    steps: Annotated[int, Field(ge=1, le=100)] = 50
    guidance_scale: Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)] = 3.0
    eta: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0


Request = Annotated[FlashTextToImage | TextToImage, Field(discriminator="kind")]
Kind = Literal["flash", "full"]
_REQUEST: TypeAdapter[FlashTextToImage | TextToImage] = TypeAdapter(Request)


def parse_request(fields: dict[str, Any] | str | bytes) -> FlashTextToImage | TextToImage:
    """The request that a mapping or a JSON text describes. Raises InvalidRequest that names the first wrong field."""
    try:
        return _REQUEST.validate_python(fields) if isinstance(fields, dict) else _REQUEST.validate_json(fields)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        names = [str(part) for part in first["loc"] if part not in ("flash", "full")]
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            names.append("kind")
        raise InvalidRequest(".".join(names) or "request", first["msg"]) from refusal


def denoising_passes(request: FlashTextToImage | TextToImage) -> int:
    """U-Net passes for one picture, the two halves of guidance counted apart."""
    if isinstance(request, FlashTextToImage):
        return FLASH_STEPS
    stride = math.ceil(1000 / request.steps)
    return math.ceil(999 / stride) * (2 if request.guidance_scale > 0 else 1)


def cost(request: FlashTextToImage | TextToImage) -> float:
    """Work of a request in megapixel passes: pictures x steps x megapixels, twice that with guidance."""
    return len(request.seeds) * denoising_passes(request) * request.width * request.height / 1e6


def compatibility_key(request: FlashTextToImage | TextToImage) -> str:
    """Requests with equal keys may share a forward pass: same net, same size. Also the key of measured speeds."""
    return f"{request.kind}:{request.width}x{request.height}"


class Recipe(Contract):
    """Every input that determines one picture: enough to make it again."""

    request: Request
    tile: Annotated[int, Field(ge=0, lt=MAX_PICTURES)]
    checkpoints: dict[str, str] = Field(default_factory=dict, description="net name -> revision")
    code_version: str

    @model_validator(mode="after")
    def _tile_has_a_seed(self) -> Recipe:
        if self.tile >= len(self.request.seeds):
            raise ValueError(f"tile {self.tile} of a request for {len(self.request.seeds)} pictures")
        return self

    @property
    def seed(self) -> int:
        return self.request.seeds[self.tile]


class Picture(Contract):
    """One produced picture: its PNG lies in the blob store under `blob` (sha256, hex)."""

    tile: int
    blob: str
    width: int
    height: int
    recipe: Recipe


class Note(Contract):
    """Something a person should know about a result. `detail` is data (the cut text, a size), never a sentence."""

    code: Literal["prompt_cut", "negative_cut", "unknown_tokens", "leaner_retry"]
    detail: str = ""


FailureCode = Literal[
    "invalid_request",
    "missing_weights",
    "out_of_memory",
    "engine_crashed",
    "too_many_attempts",
    "timed_out",
    "internal",
]


class Queued(Contract):
    type: Literal["queued"] = "queued"
    place: Annotated[int, Field(ge=1)]
    eta_seconds: float | None


class Started(Contract):
    type: Literal["started"] = "started"


class Progress(Contract):
    """`preview` is a small JPEG (base64 in JSON); `step` counts from 0 to `of` over the whole job."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    type: Literal["progress"] = "progress"
    stage: Literal["loading", "encoding", "drawing", "decoding", "saving"]
    step: int
    of: int
    preview: bytes | None = None


class Finished(Contract):
    type: Literal["finished"] = "finished"
    pictures: tuple[Picture, ...]
    notes: tuple[Note, ...] = ()
    engine_seconds: float = 0.0


class Failed(Contract):
    """`message` is for the owner's log; what a person reads follows from `code`."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    message: str
    retryable: bool = False


class Cancelled(Contract):
    type: Literal["cancelled"] = "cancelled"


Event = Annotated[Queued | Started | Progress | Finished | Failed | Cancelled, Field(discriminator="type")]
Outcome = Annotated[Finished | Failed | Cancelled, Field(discriminator="type")]


class Texts(Contract):
    """The same text in the two languages of the house."""

    ru: str
    en: str


class WordLists(Contract):
    ru: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


class ModelCard(Contract):
    """What the checkpoints in use say of themselves.

    `sizes` maps an aspect ratio ("16:9") to pixels; `vocabulary` and `lexicon` are given only by checkpoints that know
    a small world: the words to tell a person, and every word form they understand.
    """

    label: Texts
    kinds: tuple[Kind, ...]
    missing: dict[str, str] = Field(default_factory=dict, description="kind -> what its weights lack, for the owner")
    native_size: tuple[int, int] = (1024, 1024)
    sizes: dict[str, tuple[int, int]]
    embedded: bool = False
    vocabulary: WordLists | None = None
    lexicon: tuple[str, ...] = ()
    examples: WordLists = WordLists()
    revisions: dict[str, str] = Field(default_factory=dict)

    def size_for(self, width: float, height: float) -> tuple[int, int]:
        """The offered size (width, height) whose aspect ratio is nearest to width:height on a log scale."""
        wanted = math.log(width / height)
        return min(self.sizes.values(), key=lambda size: abs(math.log(size[0] / size[1]) - wanted))

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of a prompt outside the lexicon, in order, without repeats; empty where there is no lexicon."""
        if not self.lexicon:
            return []
        known = set(self.lexicon)
        words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", prompt.lower().replace("ё", "е"))
        known |= {word.replace("ё", "е") for word in known}
        return [word for word in dict.fromkeys(words) if word not in known and not word.isdigit()]
