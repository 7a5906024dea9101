"""What comes back from a request: events on the way, pictures with their recipes, or why there are none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from inference.requests.fields import MAX_PICTURES, Contract
from inference.requests.registry import AnyRequest

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

    @property
    def alone(self) -> AnyRequest:
        """The request for this picture and no other that was drawn with it."""
        return self.request.alone(self.tile)


class Picture(Contract):
    """One produced picture: its PNG lies in the blob store under `blob` (sha256, hex)."""

    tile: int
    blob: str
    width: int
    height: int
    recipe: Recipe


class Note(Contract):
    """Something a person should know about a result. `detail` is data (the cut text, a size), never a sentence."""

    code: NoteCode
    detail: str = ""


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
    type: Literal["queued"] = "queued"
    place: Annotated[int, Field(ge=1)]
    eta_seconds: float | None


class Started(Contract):
    type: Literal["started"] = "started"


class Progress(Contract):
    """`preview` is a small JPEG (base64 in JSON), `text` what is written so far; `step` counts from 0 to `of` over the
    whole job. `eta_seconds` is added by the queue: until the pictures are there, as far as that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    type: Literal["progress"] = "progress"
    stage: Stage
    step: int
    of: int
    preview: bytes | None = None
    text: str | None = None
    eta_seconds: float | None = None


class Stopping(Contract):
    """Said by the queue of a job that was cancelled while a worker had it: its end comes in a moment."""

    type: Literal["stopping"] = "stopping"


class Finished(Contract):
    type: Literal["finished"] = "finished"
    pictures: tuple[Picture, ...] = ()
    texts: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    engine_seconds: float = 0.0


class Failed(Contract):
    """`message` is for the owner's log; what a person reads follows from `code`."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    message: str
    retryable: bool = False


class Cancelled(Contract):
    """`pictures` are those that were whole when it stopped, all of them if it was through. `done` is the part of the
    work that was, None where nobody can tell."""

    type: Literal["cancelled"] = "cancelled"
    pictures: tuple[Picture, ...] = ()
    notes: tuple[Note, ...] = ()
    engine_seconds: float = 0.0
    done: Annotated[float, Field(ge=0, le=1)] | None = None


Event = Annotated[Queued | Started | Progress | Stopping | Finished | Failed | Cancelled, Field(discriminator="type")]
Outcome = Annotated[Finished | Failed | Cancelled, Field(discriminator="type")]


def pictures_in(outcome: Finished | Failed | Cancelled) -> tuple[Picture, ...]:
    """The pictures that a job has ended with, by tile."""
    return () if isinstance(outcome, Failed) else outcome.pictures
