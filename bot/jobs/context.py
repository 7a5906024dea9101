"""What the conversation remembers of a job, and what a stored job reads as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from bot.jobs.compose import CONTROLLED
from bot.prompt import PromptError, PromptLine, read_back
from bot.store import Parent
from bot.texts.languages import Language
from inference.queue.jobs import Job
from inference.requests import (
    AnyRequest,
    Control,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    TextToImage,
    parse_request,
)


class JobContext(BaseModel):
    """What the conversation wants to remember of a job. The queue keeps it and never looks inside.

    `line` is the prompt line with every choice made explicit; `key` is equal for presses that must not be doubled while
    one of them is waiting. `own_words` are those that were improved into the ones of the line. `then` is a request that
    waits until this job has translated its field `translating`; `follows` is the job that has translated for this one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: Language
    line: str
    private: bool = True
    reply_to: int | None = None
    thread: int | None = None
    key: str | None = None
    parents: tuple[Parent, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    own_words: str = ""
    then: dict[str, Any] | None = None
    translating: str = ""
    follows: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _older_rows(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """A single parent used to have a field of its own."""
        single = fields.get("parent_id")
        return fields if single is None or fields.get("parents") else {**fields, "parents": ({"picture_id": single},)}


def context_of(job: Job) -> JobContext:
    return JobContext.model_validate(job.context)


def request_of(job: Job) -> AnyRequest:
    """What a job is for in the end, a translation included."""
    context = context_of(job)
    return job.request if context.then is None else parse_request(context.then)


def line_of(job: Job) -> PromptLine:
    """What the person wrote, every choice made explicit; from the request where the line can no longer be read."""
    try:
        return read_back(context_of(job).line)
    except PromptError:
        return line_of_request(request_of(job))


def line_of_request(request: AnyRequest, tile: int | None = None) -> PromptLine:
    """A line that draws what this request draws, but for pictures it works from; only one tile of it if given."""
    prompt = " ".join(request.words.split())
    line = PromptLine(prompt=prompt, seed=request.seeds[tile or 0], n=len(request.seeds) if tile is None else 1)
    if isinstance(request, FlashTextToImage | TextToImage):
        line = replace(line, ar=(request.width, request.height), mode=request.kind)
    if isinstance(request, TextToImage | Refine | Inpaint | Outpaint | Mix | Control):
        line = replace(line, no=request.negative_prompt or None, steps=request.steps, cfg=request.guidance_scale)
    if isinstance(request, Control):
        unusual = {
            said: getattr(request, field)
            for said, field in CONTROLLED.items()
            if getattr(request, field) != Control.model_fields[field].default
        }
        iw = request.style_scale if request.style_scale != Control.model_fields["style_scale"].default else None
        line = replace(line, method=request.kind, iw=iw, **unusual)
    if isinstance(request, Inpaint):
        line = replace(line, whole=None if request.focus else True)
    return line


def line_of_tile(job: Job, tile: int) -> PromptLine:
    """The line that draws one picture of a job alone."""
    return replace(line_of(job), seed=job.request.seeds[tile], n=1)
