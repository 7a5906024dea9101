"""People vote in polls."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import SimError
from bot.playground.sim.acting import message_of
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import person_of
from bot.playground.views import announce, message_view
from bot.playground.world import World


async def vote(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/vote"""
    person = person_of(world, fields)
    chat, message = message_of(world, fields, person)
    poll, chosen = message.body.get("poll"), fields.integers("options")
    if poll is None:
        raise SimError(404, "this message has no poll")
    if poll["is_closed"]:
        raise SimError(409, "this poll is closed")
    if len(set(chosen)) != len(chosen) or any(not 0 <= it < len(poll["options"]) for it in chosen):
        raise SimError(400, "options are numbers from 0, each once")
    if len(chosen) > 1 and not poll["allows_multiple_answers"]:
        raise SimError(400, "one answer only")
    if str(person.id) in message.votes and not poll["allows_revoting"]:
        raise SimError(409, "an answer to this poll cannot be changed")
    message.votes.pop(str(person.id), None)
    if chosen:
        message.votes[str(person.id)] = chosen
    world.save_message(message)
    announce(world, "edit", message)
    owner = message.sender["id"]
    update_id = world.deliver(owner, "poll", message.poll(), chat.key)
    if not poll["is_anonymous"]:
        body = {"poll_id": poll["id"], "user": person.as_user(), "option_ids": chosen}
        body["option_persistent_ids"] = [poll["options"][it]["persistent_id"] for it in chosen]
        update_id = world.deliver(owner, "poll_answer", body, chat.key)
    return {"message": message_view(world, message), "update_id": update_id}
