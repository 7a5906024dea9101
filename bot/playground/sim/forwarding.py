"""People forward messages: to the bot, or from one of their chats to another."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import SimError
from bot.playground.methods.copies import forwarded_body, is_kept
from bot.playground.records import Message
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of, chat_of, deliver_message, known_chat, person_of
from bot.playground.views import announce, message_view
from bot.playground.world import World


async def forward(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/forward"""
    person = person_of(world, fields)
    source = known_chat(world, bot_of(world, fields), fields.integer("from_chat", default=person.id))
    if person.id not in source.members:
        raise SimError(403, f"{person.id} does not see chat {source.id}")
    wanted = fields.integers("message_ids") if fields.has("message_ids") else [fields.integer("message_id")]
    found = [_forwardable(world.find_message(source, it), it) for it in wanted]
    chat = chat_of(world, fields, person)
    messages, update_ids = [], []
    for message in found:
        sent = world.add_message(chat, person.as_user(), forwarded_body(message), media=message.media)
        announce(world, "message", sent)
        messages.append(message_view(world, sent))
        update_ids.append(deliver_message(world, sent, "message"))
    return {"message": messages[0], "messages": messages, "update_id": update_ids[0], "update_ids": update_ids}


def _forwardable(message: Message | None, message_id: int) -> Message:
    if message is None:
        raise SimError(404, f"there is no message {message_id}")
    if is_kept(message):
        raise SimError(403, f"message {message_id} cannot be forwarded")
    return message
