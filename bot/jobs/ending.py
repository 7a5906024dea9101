"""How the end of a job looks: a pure function of what is known of it, in the language being spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.jobs import cards, keyboards
from bot.jobs.compose import Remark
from bot.jobs.context import JobContext
from bot.jobs.mode import Modes
from bot.jobs.shown import Shown, keys
from bot.prompt import PromptLine
from bot.store import StoredPicture
from bot.telegram.screen import Photo, Screen
from inference.queue.jobs import Job
from inference.requests import AnyRequest, Cancelled, Failed, Finished, ModelCard, Outcome

PHOTO_SIDE = 2560  # a photo shows no more of a picture than this
LOST = Failed(code="internal", message="the pictures' files are gone")
REFUSED = Failed(code="internal", message="Telegram refused the result")


@dataclass(frozen=True)
class Facts:
    """All that the end of a job looks like depends on.

    `request` is what the job was for in the end, a translation included. `shown` is what is left of its pictures, None
    where there is none; `jpeg` is what is seen of them, None where their files are lost. `aside` is to be said first,
    where it is shown elsewhere than it was asked for.
    """

    job: Job
    context: JobContext
    request: AnyRequest
    line: PromptLine
    outcome: Outcome
    modes: Modes[Any]
    card: ModelCard | None = None
    shown: Shown | None = None
    jpeg: bytes | None = None
    aside: str = ""

    @property
    def seen(self) -> tuple[StoredPicture, ...]:
        """The pictures that the job ends with; none where it ends with words."""
        return self.shown.pictures if self.shown is not None and self.jpeg is not None else ()

    @property
    def wish(self) -> str:
        """What the job was for, as HTML."""
        return self.modes.wish(self.request, self.line.prompt)

    @property
    def larger(self) -> list[StoredPicture]:
        """Those of which a photo in a chat shows less than there is, so that the file belongs to the result."""
        return [picture for picture in self.seen if max(picture.width, picture.height) > PHOTO_SIDE]


def render(facts: Facts) -> Screen | None:
    """The message with which a job ends. None where its pictures were deleted before they have been shown."""
    words = facts.modes.of(facts.job.request).ending
    told = words(facts.job.request, facts.line, facts.outcome, facts.job.id) if words is not None else None
    if told is not None:
        text, keys = told
        return Screen(_with_aside(facts, text), keys)
    match facts.outcome:
        case Failed() as failure:
            return failed(facts, failure)
        case Cancelled(pictures=()):
            return _without_pictures(facts, cards.cancelled(facts.wish))
        case Finished() | Cancelled() as ended if facts.shown is not None:
            return failed(facts, LOST) if facts.jpeg is None else _pictures(facts, ended, facts.shown, facts.jpeg)
    return None


def failed(facts: Facts, failure: Failed) -> Screen:
    """An honest word on why there will be no picture."""
    return _without_pictures(facts, cards.failed(facts.wish, failure, facts.job.id))


def _without_pictures(facts: Facts, text: str) -> Screen:
    keys = keyboards.retry(facts.job.id, editable=facts.modes.editable(facts.request))
    return Screen(_with_aside(facts, text), keys)


def _with_aside(facts: Facts, text: str) -> str:
    return f"☝️ {facts.aside}\n{text}" if facts.aside else text


def _pictures(facts: Facts, ended: Finished | Cancelled, shown: Shown, jpeg: bytes) -> Screen:
    job = facts.job
    stopped = isinstance(ended, Cancelled)
    text = cards.caption(
        facts.modes,
        facts.line,
        job.request,
        seed=job.request.seeds[shown.pictures[0].tile],
        engine_seconds=ended.engine_seconds,
        remarks=_remarks(facts, ended),
        before=cards.stopped(len(ended.pictures), len(job.request.seeds)) if stopped else "",
    )
    return Screen(text, keys(shown, facts.modes), Photo(jpeg, f"{job.id}.jpg"))


def _remarks(facts: Facts, ended: Finished | Cancelled) -> list[str]:
    """What to say under a result, the weightiest first, since a caption holds only so much."""
    context = facts.context
    said = [facts.aside] if facts.aside else []
    said += cards.origins(facts.line, facts.job.request, context.own_words)
    said += [cards.note(note) for note in ended.notes if not (note.code == "unknown_tokens" and context.unknown)]
    if context.unknown:
        said.append(cards.unknown_words(context.unknown, facts.card))
    return said + [cards.remark(facts.modes, Remark(code, detail)) for code, detail in context.remarks]
