"""What people write in the name of a chat. Telegram names a stand-in as its sender and adds the chat beside it."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.errors import SimError
from bot.playground.records import Chat, Person
from bot.playground.sim.fields import Fields
from bot.playground.world import World

JSON = dict[str, Any]

GROUP_ANONYMOUS_BOT: JSON = {
    "id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot",
}  # fmt: skip
CHANNEL_BOT: JSON = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM: JSON = {"id": 777000, "is_bot": False, "first_name": "Telegram"}


def written_by(world: World, fields: Fields, person: Person, chat: Chat) -> tuple[JSON, JSON]:
    """The sender whom Telegram names and the fields that go with it: `sender_chat` speaks for this very group, or for a
    channel, and with `automatic_forward` the message is the copy of a channel's post."""
    if not fields.has("sender_chat"):
        return person.as_user(), {}
    spoken_for = world.chats.get(str(fields.integer("sender_chat")))
    if spoken_for is None or chat.is_private or (spoken_for is not chat and spoken_for.type != "channel"):
        raise SimError(400, "sender_chat must be this group or a channel that is known")
    if person.id not in spoken_for.admins:
        raise SimError(403, f"{person.id} is no administrator of {spoken_for.id}")
    body: JSON = {"sender_chat": world.chat_body(spoken_for)}
    if not fields.flag("automatic_forward", default=False):
        return (GROUP_ANONYMOUS_BOT if spoken_for is chat else CHANNEL_BOT), body
    post = world.next_number(f"messages of {spoken_for.id}")
    origin = {"type": "channel", "date": int(time.time()), "chat": body["sender_chat"], "message_id": post}
    return TELEGRAM, body | {"is_automatic_forward": True, "forward_origin": origin}
