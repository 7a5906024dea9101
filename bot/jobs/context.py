"""What the conversation remembers of a job, and what a stored job reads as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from bot.jobs.mode import Modes
from bot.prompt import PromptError, PromptLine, read_back
from bot.store import Parent
from bot.texts.languages import Language
from inference.queue.jobs import Job
from inference.requests import AnyRequest, parse_request


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


def line_of(modes: Modes[Any], job: Job) -> PromptLine:
    """What the person wrote, every choice made explicit; from the request where the line can no longer be read."""
    try:
        return read_back(context_of(job).line)
    except PromptError:
        return modes.line(request_of(job))


def line_of_tile(modes: Modes[Any], job: Job, tile: int) -> PromptLine:
    """The line that draws one picture of a job alone."""
    return replace(line_of(modes, job), seed=job.request.seeds[tile], n=1)


def wish_of(modes: Modes[Any], job: Job) -> str:
    """What a job is for, as HTML."""
    return modes.wish(request_of(job), line_of(modes, job).prompt)


def plain_wish_of(modes: Modes[Any], job: Job) -> str:
    """The same in one line of plain text."""
    return modes.plain_wish(request_of(job), line_of(modes, job).prompt)
