"""From what has been composed to a job: written down durably, its status message put in place, the queue woken. Long
work is announced with its cost first and waits for a yes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.jobs import cards, keyboards
from bot.jobs.compose import Asked, Composition, Remark
from bot.jobs.context import JobContext, line_of, request_of, styles_in
from bot.jobs.kept import Ask, keep
from bot.jobs.mode import Modes
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.jobs.translation import translated_first
from bot.prompt import PromptLine
from bot.prompt.stored import as_json, read_line
from bot.store import Draft, Parent, Person
from bot.store.handling import decided
from bot.telegram.screen import Screen, put, send
from bot.texts.errors import ToldError
from bot.texts.i18n import _
from inference.queue.dispatcher import Dispatcher
from inference.queue.jobs import Job, OutOfOrder, QueueFull, TooManyWaiting
from inference.queue.ledger import Ledger
from inference.requests import AnyRequest, Failed, ModelCard, parse_request

CARD_PATIENCE = 20.0
LONG_SECONDS = 30.0  # nobody is asked before less than twenty seconds
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
    """What a mode composes from when somebody asks here and now. Other words for what they asked before keep its seed.
    Raises what `known_card` raises."""
    card = await known_card(studio.queue)
    asked = Asked(line, person.preferences, card, origin.private)
    before = origin.edits
    return asked if before is None else replace(asked, draw_seed=lambda: request_of(before).seeds[0])


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
    """Takes in what has been composed; it is on disk before the person reads so. What finds no room is kept, where no
    button has asked for it (`bot.jobs.kept`). Raises one of REFUSALS.

    `key` is equal for presses that must not be doubled while one of them is waiting, `own_words` are those that were
    improved into the ones of the line. With `refused` the job ends at once with that failure. Words that are not
    English may have to be translated first. A redelivered update changes nothing: its job exists, and whoever took it
    in first tends to its status message.
    """
    remembered = JobContext(
        language=origin.language,
        line=made.line,
        styles=made.styles,
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
    if origin.edits is not None and await _changed(studio, origin, origin.edits, made, request, remembered):
        return
    try:
        accepted = await studio.ledger.accept(
            update_id=origin.update_id,
            owner_id=origin.owner_id,
            chat_id=origin.chat_id,
            request=request,
            **remembered.told(),
        )
    except (TooManyWaiting, QueueFull) as full:
        if origin.pressed:
            raise
        await keep(studio, origin, {**stored(made, parents, key), "own_words": own_words}, full)
        return
    await studio.history.dialogs.hush(origin.owner_id, origin.chat_id)
    if accepted.fresh and refused is not None:
        await studio.ledger.finish(accepted.job.id, refused)
        studio.deliveries.ended(accepted.job.id)
    elif accepted.fresh:
        await studio.deliveries.announce(accepted.job)


async def order_or_ask(
    studio: Studio, origin: Origin, made: Composition, *, parents: tuple[Parent, ...], key: str | None = None
) -> None:
    """The same for work on a picture, but first says what it costs and asks where that is much; of words that were
    changed only where that is more than before."""
    seconds = await decided("cost", await studio.ledger.estimate(made.request))  # known better once it has been done
    windows = made.request.windows
    long = windows >= MANY_TILES if seconds is None else seconds > LONG_SECONDS
    before = origin.edits
    if not long or (before is not None and made.request.cost <= request_of(before).cost):
        await order(studio, origin, made, parents=parents, key=key)
        return
    body = {**stored(made, parents, key), "under": origin.reply_to, "edits": None if before is None else before.id}
    draft = await studio.history.sources.add_draft(origin.owner_id, origin.chat_id, "order", body)
    await studio.history.dialogs.hush(origin.owner_id, origin.chat_id)
    text = cards.cost(studio.modes.wish(made.request, made.line.prompt), seconds)
    if before is not None:
        longer = _("With your new words it takes longer. What you said before holds until you start.")
        text = f"✏️ {longer}\n{text}"
    message = await send(studio.bot, origin.place, Screen(text, keyboards.confirm_order(draft.id)))
    await studio.history.sources.place_draft(draft.id, message.message_id)


async def order_kept(studio: Studio, ask: Ask, draft: Draft) -> None:
    """Orders what found no room before. Raises one of REFUSALS."""
    await _order_stored(studio, ask.origin(draft), ask.order)


async def order_of(studio: Studio, origin: Origin, draft: Draft) -> None:
    """Orders what was asked for and waited for a yes. Raises one of REFUSALS."""
    body = draft.body
    before = await studio.ledger.job(body["edits"]) if body.get("edits") is not None else None
    answered = body["answers"] if "answers" in body else body.get("under", origin.reply_to)
    await _order_stored(studio, replace(origin, reply_to=answered, edits=before), body)


async def _order_stored(studio: Studio, origin: Origin, body: Mapping[str, Any]) -> None:
    more = {"key": body["key"], "own_words": body.get("own_words", "")}
    await order(studio, origin, composed_from(body), parents=parents_stored(body), **more)


def parents_stored(body: Mapping[str, Any]) -> tuple[Parent, ...]:
    """What the pictures of such an order are made from."""
    return tuple(Parent.model_validate(parent) for parent in body["parents"])


def composed_from(body: Mapping[str, Any]) -> Composition:
    """What waits for a yes, or for room, as `stored` has put it into the body of a draft."""
    remarks = tuple(Remark(code, detail) for code, detail in body["remarks"])
    styles = tuple(body["styles"] if "styles" in body else styles_in(body.get("lines", ())))
    return Composition(parse_request(body["request"]), read_line(body["line"]), remarks, tuple(body["unknown"]), styles)


async def _changed(
    studio: Studio, origin: Origin, before: Job, made: Composition, request: AnyRequest, remembered: JobContext
) -> bool:
    """Words that ordered something have been changed: what waits is drawn with the new ones, where it stands in line.

    What has begun stays, and the new words are drawn at one tap; changed once more, they are those that wait for it.
    False where they have had that tap and are to be drawn. Raises WaitTooLong.
    """
    if is_same(studio.modes, before, made):
        return True
    job = await studio.ledger.reword(before.id, request, remembered.told()["context"])
    if job is not None:
        studio.deliveries.reworded(job)
        return True
    if origin.pressed:
        return False
    sources = studio.history.sources
    body = {**stored(made, remembered.parents), "answers": origin.reply_to}
    asked = await sources.asking(origin.owner_id, origin.chat_id, "order")
    draft = next((one for one in asked if one.body.get("answers") == origin.reply_to and one.message_id), None)
    wish = studio.modes.wish(made.request, made.line.prompt)
    text = "✏️ " + _("You changed your words when I had begun. Shall I draw the new ones as well?") + "\n" + wish
    if draft is None or draft.message_id is None:
        draft = await sources.add_draft(origin.owner_id, origin.chat_id, "order", body)
        message = await send(studio.bot, origin.place, Screen(text, keyboards.new_words(draft.id)))
        await sources.place_draft(draft.id, message.message_id)
    else:
        await sources.change_draft(draft.id, body=body)
        await put(studio.bot, origin.chat_id, draft.message_id, Screen(text, keyboards.new_words(draft.id)))
    return True


def is_same(modes: Modes[Any], job: Job, made: Composition) -> bool:
    """Whether a job is for just this: the same words, and but for these the same request, translated or not."""
    wordless = {"prompt": "", "negative_prompt": ""}
    before, now = (request.model_copy(update=wordless) for request in (request_of(job), made.request))
    return before == now and line_of(modes, job) == made.line


async def waiting_twin(ledger: Ledger, owner_id: int, key: str) -> Job | None:
    """A job of this person that the same button has ordered and that has neither ended nor been cancelled."""
    living = await ledger.active(owner_id)
    return next((job for job in living if job.key == key and not job.stopping), None)


def stored(made: Composition, parents: Sequence[Parent] = (), key: str | None = None) -> dict[str, Any]:
    """What a draft keeps of an order that waits for a yes, or for room."""
    return {
        "request": made.request.model_dump(mode="json"),
        "line": as_json(made.line),
        "remarks": [[said.code, said.detail] for said in made.remarks],
        "unknown": list(made.unknown),
        "styles": list(made.styles),
        "parents": [parent.model_dump() for parent in parents],
        "key": key,
    }
