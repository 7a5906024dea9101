"""Ordering what has been composed; long work is announced with its cost and waits for a yes."""

from __future__ import annotations

from dataclasses import dataclass

from bot.jobs import cards
from bot.jobs.compose import Composition, Remark
from bot.jobs.desk import Desk
from bot.jobs.intake import Action, Origin, take_in
from bot.modes import workbench
from bot.prompt import read_back, write
from bot.store import Draft, Parent
from inference.requests import AnyRequest, parse_request

LONG_SECONDS = 30.0
MANY_TILES = 9


@dataclass(frozen=True)
class Order:
    """A request with what the conversation wants to remember of it."""

    made: Composition
    action: Action
    parents: tuple[Parent, ...]
    key: str | None = None
    unknown: tuple[str, ...] = ()


async def order_picture(desk: Desk, origin: Origin, order: Order) -> None:
    """Takes an order in, or first says what it costs and asks. Raises one of intake.REFUSALS."""
    request = order.made.request
    seconds = await desk.ledger.estimate(request)
    windows = request.windows
    long = windows >= MANY_TILES if seconds is None else seconds > LONG_SECONDS
    if not long:
        await accept(desk, origin, order)
        return
    body = {**_stored(order), "under": origin.reply_to}
    draft = await desk.history.sources.add_draft(origin.owner_id, origin.chat_id, "order", body)
    text = cards.cost(cards.wish(request, order.made.line.prompt), windows, seconds)
    await desk.deliveries.say(origin, text, workbench.confirm_order(draft.id))


async def accept(desk: Desk, origin: Origin, order: Order) -> None:
    """Takes an order in without a question."""
    made = order.made
    await take_in(
        desk.ledger,
        desk.deliveries,
        origin,
        made.request,
        made.line,
        remarks=made.remarks,
        unknown=order.unknown,
        action=order.action,
        key=order.key,
        parents=order.parents,
    )


def order_of(draft: Draft) -> Order:
    """What was asked for and waited for a yes."""
    body = draft.body
    remarks = tuple(Remark(code, detail) for code, detail in body["remarks"])
    request: AnyRequest = parse_request(body["request"])
    parents = tuple(Parent.model_validate(parent) for parent in body["parents"])
    made = Composition(request, read_back(body["line"]), remarks)
    return Order(made, body["action"], parents, body["key"], tuple(body["unknown"]))


def _stored(order: Order) -> dict[str, object]:
    made = order.made
    return {
        "request": made.request.model_dump(mode="json"),
        "line": write(made.line),
        "remarks": [[said.code, said.detail] for said in made.remarks],
        "action": order.action,
        "key": order.key,
        "parents": [parent.model_dump() for parent in order.parents],
        "unknown": list(order.unknown),
    }
