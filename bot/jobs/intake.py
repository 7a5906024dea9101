"""From a wish to a job: compose, write down durably, put the status message in place, wake the queue."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aiogram.types import CallbackQuery, Message
from pydantic import BaseModel, ConfigDict

from bot.jobs.compose import CONTROLLED, Remark, compose
from bot.jobs.translation import translated_first, wanted
from bot.prompt import PromptError, PromptLine, read_back, write
from bot.store import Parent, Person, Preferences
from bot.texts.languages import Language
from inference.queue.jobs import Accepted, Job, OutOfOrder, Refused
from inference.queue.ledger import Ledger
from inference.requests import (
    AnyRequest,
    Control,
    Failed,
    FlashTextToImage,
    Inpaint,
    Mix,
    ModelCard,
    Outpaint,
    Refine,
    TextToImage,
)

if TYPE_CHECKING:
    from bot.jobs.delivery import Deliveries
    from inference.queue.dispatcher import Dispatcher

Action = Literal[
    "draw", "again", "retry", "full", "repeat",
    "vary", "mix", "restyle", "control", "upscale", "refine", "inpaint", "outpaint",
]  # fmt: skip
CARD_PATIENCE = 20.0


class EngineAway(Exception):
    """No worker has introduced itself yet, so nobody knows what can be drawn."""


REFUSALS = (PromptError, Refused, EngineAway)


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
    action: Action = "draw"
    key: str | None = None
    parent_id: int | None = None
    parents: tuple[Parent, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    own_words: str = ""
    then: dict[str, Any] | None = None
    translating: str = ""
    follows: int | None = None


@dataclass(frozen=True)
class Origin:
    """For whom something is asked, a person or a chat that somebody speaks for; where, and which message to answer."""

    update_id: int
    owner_id: int
    chat_id: int
    language: Language
    private: bool
    reply_to: int | None
    thread: int | None

    @classmethod
    def of_message(cls, message: Message, update_id: int, person: Person) -> Origin:
        return cls(
            update_id=update_id,
            owner_id=person.id,
            chat_id=message.chat.id,
            language=person.language,
            private=message.chat.type == "private",
            reply_to=message.message_id,
            thread=message.message_thread_id if message.is_topic_message else None,
        )

    @classmethod
    def of_press(cls, callback: CallbackQuery, update_id: int, person: Person) -> Origin:
        """A press of a button answers the message it is under. Raises LookupError where that is no longer known."""
        message = callback.message
        if message is None:
            raise LookupError("the message of this button is unknown")
        topic = isinstance(message, Message) and message.is_topic_message
        return cls(
            update_id=update_id,
            owner_id=person.id,
            chat_id=message.chat.id,
            language=person.language,
            private=message.chat.type == "private",
            reply_to=message.message_id,
            thread=message.message_thread_id if topic and isinstance(message, Message) else None,
        )


def context_of(job: Job) -> JobContext:
    return JobContext.model_validate(job.context)


def request_of(job: Job) -> AnyRequest:
    """What a job is for in the end, a translation included."""
    return wanted(job.request, context_of(job))


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


async def known_card(queue: Dispatcher) -> ModelCard:
    """What can be drawn here, waiting a little for a worker that is just starting. Raises EngineAway, and OutOfOrder
    where several have started and none can draw."""
    deadline = time.monotonic() + CARD_PATIENCE
    while queue.card is None:
        if queue.trouble is not None:
            raise OutOfOrder(queue.trouble)
        if time.monotonic() > deadline:
            raise EngineAway
        await asyncio.sleep(0.1)
    return queue.card


async def order(
    origin: Origin,
    line: PromptLine,
    preferences: Preferences,
    *,
    queue: Dispatcher,
    ledger: Ledger,
    deliveries: Deliveries,
    **context: Any,
) -> Accepted:
    """Composes a request out of a line and takes it in. Raises one of REFUSALS."""
    card = await known_card(queue)
    made = compose(line, preferences, card, private=origin.private)
    unknown = card.unknown_words(line.prompt)
    return await take_in(
        ledger, deliveries, origin, made.request, made.line, remarks=made.remarks, unknown=unknown, **context
    )


async def take_in(
    ledger: Ledger,
    deliveries: Deliveries,
    origin: Origin,
    request: AnyRequest,
    line: PromptLine,
    *,
    remarks: tuple[Remark, ...] = (),
    unknown: tuple[str, ...] = (),
    refused: Failed | None = None,
    **context: Any,
) -> Accepted:
    """Accepts a request; it is on disk before the person reads so. Raises TooManyWaiting, QueueFull, WaitTooLong.

    Words that are not English may have to be translated first. With `refused` the job ends at once with that failure.
    A redelivered update changes nothing: its job exists, and whoever took it in first tends to its status message.
    """
    remembered = JobContext(
        language=origin.language,
        line=write(line),
        private=origin.private,
        reply_to=origin.reply_to,
        thread=origin.thread,
        remarks=tuple((said.code, said.detail) for said in remarks),
        unknown=unknown,
        **context,
    )
    request, remembered = translated_first(request, remembered, deliveries.card)
    accepted = await ledger.accept(
        update_id=origin.update_id,
        owner_id=origin.owner_id,
        chat_id=origin.chat_id,
        request=request,
        context=remembered.model_dump(mode="json"),
    )
    if accepted.fresh and refused is not None:
        await ledger.finish(accepted.job.id, refused)
    if accepted.fresh:
        await deliveries.announce(accepted.job)
    return accepted


async def waiting_twin(ledger: Ledger, owner_id: int, key: str) -> Job | None:
    """A job of this person that the same button has ordered and that has not ended yet."""
    return next((job for job in await ledger.active(owner_id) if context_of(job).key == key), None)
