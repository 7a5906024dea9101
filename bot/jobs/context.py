"""What the conversation remembers of a job, and what a stored job reads as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from bot.jobs.mode import Modes
from bot.prompt import PromptError, PromptLine
from bot.prompt.stored import StoredLine, read_line
from bot.prompt.styles import PLAIN_STYLE, style_name
from bot.store import HOUSE, Parent
from bot.texts.languages import Language
from inference.queue.jobs import Job
from inference.requests import AnyRequest, parse_request, pictures_in


def _readable(line: PromptLine | dict[str, Any] | str | None) -> PromptLine | None:
    try:
        return read_line(line) if isinstance(line, str | dict) else line
    except (PromptError, ValidationError):
        return None


def styles_in(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The styles of stored lines, one a picture, as earlier versions have kept them with jobs and drafts."""
    return [str(line.get("style") or PLAIN_STYLE) for line in lines]


BY_PROGRAM = "by_program"


class JobContext(BaseModel):
    """What the conversation wants to remember of a job. The queue keeps it and never looks inside, but for `key` and
    `reply_to`, which it is told by name.

    `line` is the prompt line with every choice made explicit, None where it cannot be read here; `styles` are the slugs
    of its pictures' styles, by tile, where each has its own. `key` is equal for presses that must not be doubled while
    one of them is waiting. `own_words` are those that were improved into the ones of the line. `then` is a request that
    waits until this job has translated its field `translating`; `follows` is the job that has translated for this one.
    `by_program`: a program has asked for it over HTTP, and no chat tells of it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    language: Language
    line: Annotated[StoredLine | None, BeforeValidator(_readable)]
    styles: tuple[str, ...] = ()
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
    by_program: bool = False

    @model_validator(mode="before")
    @classmethod
    def _older_rows(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """A single parent used to have a field of its own, and a picture with a style of its own a whole line."""
        if fields.get("parent_id") is not None and not fields.get("parents"):
            fields = {**fields, "parents": ({"picture_id": fields["parent_id"]},)}
        if fields.get("lines"):
            fields = {**fields, "styles": styles_in(fields["lines"])}
        return fields

    def told(self) -> dict[str, Any]:
        """What `Ledger.accept` is to keep of it."""
        opaque = self.model_dump(mode="json", exclude={"key", "reply_to"})
        return {"context": opaque, "key": self.key, "reply_to": self.reply_to}


def is_told_nowhere(job: Job) -> bool:
    """Whether no chat has a message of a job's own: the house's, and what programs have asked for."""
    return job.owner_id == HOUSE or bool(job.context.get(BY_PROGRAM))


def context_of(job: Job) -> JobContext:
    return JobContext.model_validate({**job.context, "key": job.key, "reply_to": job.reply_to})


def request_of(job: Job) -> AnyRequest:
    """What a job is for in the end, a translation included."""
    context = context_of(job)
    return job.request if context.then is None else parse_request(context.then)


def line_of(modes: Modes[Any], job: Job) -> PromptLine:
    """What the person wrote, every choice made explicit; from the request where the line can no longer be read."""
    return context_of(job).line or modes.line(request_of(job))


def made_by(modes: Modes[Any], job: Job) -> tuple[AnyRequest, PromptLine]:
    """What draws exactly the pictures that a job has made, fewer than were asked for where it was stopped: a request
    and the line for it."""
    request, line = request_of(job), line_of(modes, job)
    tiles = [picture.tile for picture in pictures_in(job.outcome)] if job.outcome is not None else []
    if not tiles or len(tiles) == len(request.seeds):
        return request, line
    return request.only(tiles), replace(line, seed=request.seeds[tiles[0]], n=len(tiles))


def styles_made_by(job: Job) -> tuple[str, ...]:
    """The styles of the pictures that a job has made, where each has its own; of all where it has made none yet."""
    styles = context_of(job).styles
    tiles = [picture.tile for picture in pictures_in(job.outcome)] if job.outcome is not None else []
    return tuple(styles[tile] for tile in tiles if tile < len(styles)) if tiles else styles


def line_of_tile(modes: Modes[Any], job: Job, tile: int) -> PromptLine:
    """The line that draws one picture of a job alone."""
    alone = modes.line_alone(line_of(modes, job), request_of(job), tile)
    styles = context_of(job).styles
    return replace(alone, style=styles[tile]) if tile < len(styles) else alone


def names_of(job: Job) -> tuple[str, ...]:
    """What the pictures of a job are called, in the language being spoken: by their styles, where each has its own."""
    return tuple(style_name(style) for style in context_of(job).styles)


def wish_of(modes: Modes[Any], job: Job) -> str:
    """What a job is for, as HTML."""
    return modes.wish(request_of(job), line_of(modes, job).prompt)


def plain_wish_of(modes: Modes[Any], job: Job) -> str:
    """The same in one line of plain text."""
    return modes.plain_wish(request_of(job), line_of(modes, job).prompt)
