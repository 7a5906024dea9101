"""Words in Cyrillic are put into English before they are drawn: the text encoder of Kandinsky 3 is English-centred.

First comes a job that translates, then the drawing itself. The drawing waits, written out, in the context of the job
that translates, so that no crash can lose it; when that one ends, well or badly, the drawing goes in. What the person
wrote stays what they read.
"""

from __future__ import annotations

from bot.jobs.context import JobContext
from bot.texts.languages import in_cyrillic
from inference.queue.jobs import Job
from inference.requests import AnyRequest, Finished, ModelCard, Rewrite, parse_request

_FIELDS = ("prompt", "negative_prompt")


def translated_first(
    request: AnyRequest, context: JobContext, card: ModelCard | None, *, done: str = ""
) -> tuple[AnyRequest, JobContext]:
    """The job to begin with: a translation behind which the request waits, or the request itself where none is needed.

    Nothing is translated for a kind whose nets read Russian. `done` is the field that was translated last.
    """
    if card is None or "translate" not in card.kinds or isinstance(request, Rewrite):
        return request, context
    if "ru" in card.of(request.needs[0]).languages:
        return request, context
    for name in _FIELDS[_FIELDS.index(done) + 1 if done else 0 :]:
        words = request.said(name) or ""
        if in_cyrillic(words):
            waiting = {"then": request.model_dump(mode="json"), "translating": name}
            return Rewrite(kind="translate", prompt=words, seeds=(0,)), context.model_copy(update=waiting)
    return request, context


def wanted(request: AnyRequest, context: JobContext) -> AnyRequest:
    """What a job is for in the end: its own request, or the one that waits for the translation."""
    return request if context.then is None else parse_request(context.then)


def next_step(job: Job, context: JobContext, card: ModelCard | None) -> tuple[AnyRequest, JobContext]:
    """What follows a translation that has ended: the request in English, or as it was with a remark on that."""
    request, outcome = wanted(job.request, context), job.outcome
    text = outcome.texts[0] if isinstance(outcome, Finished) and outcome.texts else ""
    remarks = context.remarks
    if not text:
        remarks = (*remarks, ("not_translated", ""))
    elif isinstance(outcome, Finished) and any(note.code == "cut_short" for note in outcome.notes):
        remarks = (*remarks, ("translation_cut", ""))
    after = context.model_copy(update={"then": None, "translating": "", "follows": job.id, "remarks": remarks})
    if not text:
        return request, after
    return translated_first(request.saying(context.translating, text), after, card, done=context.translating)
