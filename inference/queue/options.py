"""Everything a worker and its engine are told, as one frozen value: the first message on either wire.

A field here is an option of the whole studio. Those of `WorkerSettings` are the owner's: the bot's settings inherit
them, so that a field's name in capitals is its variable, which `.env.example` describes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from inference.requests import AnyRequest, Contract, Rewrite

WINDOWS_IN_TIME = 25  # that a job's time is meant for


class WorkerSettings(Contract):
    """What the owner of a studio chooses for its worker. None is the default that the engine knows."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    worker_slots: Annotated[int, Field(ge=1, le=64)] = 4
    previews: bool = True
    net_dtypes: Annotated[str, Field(pattern=r"^\s*(\w+=\w+\s*)*$")] = ""  # "movq=bfloat16 unet=float16"
    beautifier: str | None = None
    translator: str | None = None
    language_4bit: bool = False
    rewrite_timeout_seconds: Annotated[float, Field(ge=1, le=3600)] = 120
    job_timeout_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10
    shutdown_grace_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level


class WorkerOptions(WorkerSettings):
    """All that worker and engine child are told. `blobs_url` may hold a password: no command line, environment or log
    of theirs shows it.

    `number` counts the workers beside each other: where none is chosen each takes a card of its own, as far as there
    are as many. `engine` is another engine's command, to which only `--fd N` is added; empty for our own.
    `silence_seconds` is the least silence that counts as a hang, `start_seconds` the time from start to readiness,
    `threads` those of torch on the CPU. What the engine finds out about its own speed it keeps in `timings_file`;
    without one it does not time itself. Pictures on their way to a store that is elsewhere lie in `scratch_dir`.
    """

    blobs_url: Annotated[str, Field(repr=False)] = "data/blobs"
    weights_dir: Path | None = None
    number: Annotated[int, Field(ge=0)] = 0
    engine: tuple[str, ...] = ()
    silence_seconds: Annotated[float, Field(gt=0)] = 30.0
    start_seconds: Annotated[float, Field(gt=0)] = 600.0
    threads: Annotated[int | None, Field(ge=1)] = None
    timings_file: Path | None = None
    scratch_dir: Path | None = None

    @classmethod
    def of(cls, settings: WorkerSettings) -> Self:
        """The options that settings with more fields than these ask for, by name."""
        return cls.model_validate(settings.model_dump(include=set(cls.model_fields)))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Those whose variable is set. Raises pydantic.ValidationError."""
        named = {name: environment.get(name.upper(), "") for name in (*WorkerSettings.model_fields, "weights_dir")}
        return cls.model_validate({name: value for name, value in named.items() if value})

    def to_environment(self) -> dict[str, str]:
        """What `from_environment` reads, nothing secret among it."""
        told = self.model_dump(mode="json", include={*WorkerSettings.model_fields, "weights_dir"}, exclude_none=True)
        return {name.upper(): str(value) for name, value in told.items()}

    @property
    def formats(self) -> dict[str, str]:
        """Number formats by net, as in {"movq": "bfloat16"}."""
        return dict(item.split("=", 1) for item in self.net_dtypes.split())

    def seconds_for(self, request: AnyRequest) -> float:
        """How long a request may run: longer where it is cut into more windows than a picture of 4K, shorter where
        somebody waits for it with the words still in mind."""
        seconds = self.job_timeout_minutes * 60
        if isinstance(request, Rewrite):
            return min(self.rewrite_timeout_seconds, seconds)
        return seconds * max(1.0, request.windows * len(request.seeds) / WINDOWS_IN_TIME)
