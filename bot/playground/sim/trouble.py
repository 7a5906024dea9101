"""Planned trouble: faults, updates that come twice, and forgetting everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.playground.errors import SimError
from bot.playground.schema import bot_api
from bot.playground.sim.fields import Fields
from bot.playground.world import World

if TYPE_CHECKING:
    from bot.playground.botplane import BotPlane

Trouble = Callable[[World, "BotPlane", Fields], dict[str, Any]]


def add_fault(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    method, when = fields.text("method"), fields.text("when", "before")
    if method != "*" and method not in bot_api().methods:
        raise SimError(400, f"there is no method {method}")
    if when not in ("before", "after"):
        raise SimError(400, 'when must be "before" or "after"')
    status, retry_after = fields.optional_integer("status"), fields.optional_integer("retry_after")
    if status is None and retry_after is not None:
        status = 429
    if status is not None and not 400 <= status <= 599:
        raise SimError(400, "status must lie between 400 and 599")
    delay, drop = fields.seconds("delay", 0.0), fields.flag("drop", default=False)
    if status is None and not drop and not delay:
        raise SimError(400, "a fault needs a status, retry_after, a delay or drop")
    without_end = "count" in fields.values and fields.values["count"] is None
    count = None if without_end else fields.integer("count", 1)
    if count is not None and count < 1:
        raise SimError(400, "count must be at least 1")
    fault = bots.faults.add(
        method=method,
        status=status,
        retry_after=retry_after,
        description=fields.optional_text("description"),
        delay=delay,
        drop=drop,
        when=when,
        left=count,
        chat=fields.optional_integer("chat"),
    )
    world.events.publish("fault", {"fault": fault.view()})
    return {"fault": fault.view()}


def clear_faults(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    bots.faults.clear()
    return {"faults": []}


def redeliver(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    update_id = fields.integer("update_id")
    if not any(mailbox.redeliver(update_id) for mailbox in world.mailboxes.values()):
        raise SimError(404, f"update {update_id} is not among the latest thousand")
    return {"update_id": update_id}


def reset(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    world.reset()
    bots.calls.clear()
    bots.faults.clear()
    return {}
