"""From what has been composed to a job: written down durably, its status message put in place, the queue woken. Long
work is announced with its cost first and waits for a yes."""

from __future__ import annotations

import asyncio
import time

from bot.jobs import cards, keyboards
from bot.jobs.compose import Asked, Composition, Remark
from bot.jobs.context import JobContext
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.jobs.translation import translated_first
from bot.prompt import PromptLine
from bot.prompt.stored import as_json, read_line
from bot.store import Draft, Parent, Person
from bot.store.handling import decided
from bot.texts.errors import ToldError
from bot.texts.i18n import _
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Job, OutOfOrder
from inference.queue.ledger import Ledger
from inference.requests import Failed, ModelCard, parse_request

CARD_PATIENCE = 20.0
LONG_SECONDS = 30.0
MANY_TILES = 9


class EngineAway(ToldError):
    """No worker has introduced itself yet, so nobody knows what can be drawn."""

    def told(self) -> str:
        return _(
            "The drawing engine cannot be reached, not your fault. I keep trying to wake it; "
            "please try again in a minute."
        )


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


async def asked_by(studio: Studio, origin: Origin, person: Person, line: PromptLine) -> Asked:
    """What a mode composes from when somebody asks here and now. Raises what `known_card` raises."""
    return Asked(line, person.preferences, await known_card(studio.queue), origin.private)


async def order(
    studio: Studio,
    origin: Origin,
    made: Composition,
    *,
    parents: tuple[Parent, ...] = (),
    key: str | None = None,
    own_words: str = "",
    refused: Failed | None = None,
) -> None:
    """Takes in what has been composed; it is on disk before the person reads so. Raises one of REFUSALS.

    `key` is equal for presses that must not be doubled while one of them is waiting, `own_words` are those that were
    improved into the ones of the line. With `refused` the job ends at once with that failure. Words that are not
    English may have to be translated first. A redelivered update changes nothing: its job exists, and whoever took it
    in first tends to its status message.
    """
    remembered = JobContext(
        language=origin.language,
        line=made.line,
        private=origin.private,
        reply_to=origin.reply_to,
        thread=origin.thread,
        key=key,
        parents=parents,
        remarks=tuple((said.code, said.detail) for said in made.remarks),
        unknown=made.unknown,
        own_words=own_words,
    )
    request, remembered = translated_first(made.request, remembered, studio.queue.card)
    accepted = await studio.ledger.accept(
        update_id=origin.update_id,
        owner_id=origin.owner_id,
        chat_id=origin.chat_id,
        request=request,
        **remembered.told(),
    )
    await studio.history.dialogs.hush(origin.owner_id, origin.chat_id)
    if accepted.fresh and refused is not None:
        await studio.ledger.finish(accepted.job.id, refused)
    if accepted.fresh:
        await studio.deliveries.announce(accepted.job)


async def order_or_ask(
    studio: Studio, origin: Origin, made: Composition, *, parents: tuple[Parent, ...], key: str | None = None
) -> None:
    """The same for work on a picture, but first says what it costs and asks where that is much."""
    seconds = await decided("cost", await studio.ledger.estimate(made.request))  # known better once it has been done
    windows = made.request.windows
    long = windows >= MANY_TILES if seconds is None else seconds > LONG_SECONDS
    if not long:
        await order(studio, origin, made, parents=parents, key=key)
        return
    body = {**stored(made), "parents": [parent.model_dump() for parent in parents], "key": key}
    draft = await studio.history.sources.add_draft(
        origin.owner_id, origin.chat_id, "order", {**body, "under": origin.reply_to}
    )
    await studio.history.dialogs.hush(origin.owner_id, origin.chat_id)
    text = cards.cost(studio.modes.wish(made.request, made.line.prompt), seconds)
    await studio.deliveries.say(origin, text, keyboards.confirm_order(draft.id))


async def order_of(studio: Studio, origin: Origin, draft: Draft) -> None:
    """Orders what was asked for and waited for a yes. Raises one of REFUSALS."""
    parents = tuple(Parent.model_validate(parent) for parent in draft.body["parents"])
    await order(studio, origin, composed_of(draft), parents=parents, key=draft.body["key"])


def composed_of(draft: Draft) -> Composition:
    """What waits for a yes."""
    body = draft.body
    remarks = tuple(Remark(code, detail) for code, detail in body["remarks"])
    return Composition(parse_request(body["request"]), read_line(body["line"]), remarks, tuple(body["unknown"]))


async def waiting_twin(ledger: Ledger, owner_id: int, key: str) -> Job | None:
    """A job of this person that the same button has ordered and that has not ended yet."""
    return next((job for job in await ledger.active(owner_id) if job.key == key), None)


def stored(made: Composition) -> dict[str, object]:
    """What a draft keeps of what waits for a yes."""
    return {
        "request": made.request.model_dump(mode="json"),
        "line": as_json(made.line),
        "remarks": [[said.code, said.detail] for said in made.remarks],
        "unknown": list(made.unknown),
    }
