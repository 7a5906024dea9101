"""What comes back from a request: events on the way, pictures with their recipes, or why there are none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from inference.requests.fields import MAX_PICTURE_SIDE, MAX_PICTURES, Contract, Digest
from inference.requests.registry import AnyRequest

MAX_PREVIEW_BYTES = 512 * 1024  # one has some fourteen thousand
MAX_TEXT_CHARS = 20_000  # of what a model has written
MAX_REMARK_CHARS = 2000
MAX_NOTES = 64
MAX_NETS = 64


def _cut(text: Any) -> Any:
    return text[:MAX_REMARK_CHARS] if isinstance(text, str) else text


Remark = Annotated[str, BeforeValidator(_cut)]  # what an error or a model says may be of any length: its beginning
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
PictureSide = Annotated[int, Field(ge=1, le=MAX_PICTURE_SIDE)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tile = Annotated[int, Field(ge=0, lt=MAX_PICTURES)]

Stage = Literal["loading", "encoding", "looking", "drawing", "enlarging", "refining", "decoding", "writing", "saving"]
NoteCode = Literal[
    "prompt_cut",
    "negative_cut",
    "unknown_tokens",
    "leaner_retry",
    "float32_retry",
    "experimental",
    "cut_short",
    "timed_out",
]


class Recipe(Contract):
    """Every input that determines one picture: enough to make it again."""

    request: AnyRequest
    tile: Tile
    checkpoints: dict[str, str] = Field(default_factory=dict, max_length=MAX_NETS, description="net name -> revision")
    code_version: str

    @model_validator(mode="after")
    def _tile_has_a_seed(self) -> Recipe:
        if self.tile >= len(self.request.seeds):
            raise ValueError(f"tile {self.tile} of a request for {len(self.request.seeds)} pictures")
        return self

    @property
    def seed(self) -> int:
        return self.request.seeds[self.tile]

    @property
    def alone(self) -> AnyRequest:
        """The request for this picture and no other that was drawn with it."""
        return self.request.alone(self.tile)


class Picture(Contract):
    """One produced picture: its PNG lies in the blob store under `blob` (sha256, hex)."""

    tile: Tile
    blob: Digest
    width: PictureSide
    height: PictureSide
    recipe: Recipe


Pictures = Annotated[tuple[Picture, ...], Field(max_length=MAX_PICTURES)]


class Note(Contract):
    """Something a person should know about a result. `detail` is data (the cut text, a size), never a sentence."""

    code: NoteCode
    detail: Remark = ""


Notes = Annotated[tuple[Note, ...], Field(max_length=MAX_NOTES)]

FailureCode = Literal[
    "invalid_request",
    "source_gone",
    "missing_weights",
    "out_of_memory",
    "not_finite",
    "engine_crashed",
    "too_many_attempts",
    "timed_out",
    "disk_full",
    "internal",
]


class Queued(Contract):
    """Not `possible`: none of the workers that are there can draw it; it waits for one that can."""

    type: Literal["queued"] = "queued"
    place: Annotated[int, Field(ge=1)]
    eta_seconds: float | None
    possible: bool = True


class Started(Contract):
    type: Literal["started"] = "started"


class Progress(Contract):
    """`preview` is a small JPEG (base64 in JSON), `text` what is written so far; `step` counts from 0 to `of` over the
    whole job. `eta_seconds` is added by the queue: until the pictures are there, as far as that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    type: Literal["progress"] = "progress"
    stage: Stage
    step: Count
    of: Count
    preview: Annotated[bytes, Field(max_length=MAX_PREVIEW_BYTES)] | None = None
    text: Text | None = None
    eta_seconds: Seconds | None = None


class Stopping(Contract):
    """Said by the queue of a job that was cancelled while a worker had it: its end comes in a moment."""

    type: Literal["stopping"] = "stopping"


class Finished(Contract):
    type: Literal["finished"] = "finished"
    pictures: Pictures = ()
    texts: Annotated[tuple[Text, ...], Field(max_length=MAX_PICTURES)] = ()
    notes: Notes = ()
    engine_seconds: Seconds = 0.0


class Failed(Contract):
    """`message` is for the owner's log; what a person reads follows from `code`."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    message: Remark
    retryable: bool = False


class Cancelled(Contract):
    """`pictures` are those that were whole when it stopped, all of them if it was through. `done` is the part of the
    work that was, None where nobody can tell."""

    type: Literal["cancelled"] = "cancelled"
    pictures: Pictures = ()
    notes: Notes = ()
    engine_seconds: Seconds = 0.0
    done: Annotated[float, Field(ge=0, le=1)] | None = None


Event = Annotated[Queued | Started | Progress | Stopping | Finished | Failed | Cancelled, Field(discriminator="type")]
Outcome = Annotated[Finished | Failed | Cancelled, Field(discriminator="type")]


def pictures_in(outcome: Finished | Failed | Cancelled) -> tuple[Picture, ...]:
    """The pictures that a job has ended with, by tile."""
    return () if isinstance(outcome, Failed) else outcome.pictures
