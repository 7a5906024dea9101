"""People press buttons, react, change their profile and their groups."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any

from bot.playground.errors import SimError
from bot.playground.methods.topics import COLOURS, open_topic
from bot.playground.queries import Query
from bot.playground.records import Chat, Message, Person
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import (
    bot_of,
    known_chat,
    membership_changed,
    new_group,
    person_of,
    publish_chat,
)
from bot.playground.sim.webapps import opened
from bot.playground.views import announce, button_view, chat_view, inline_rows, message_view, person_view
from bot.playground.world import World

ANSWER_WITHIN = 5.0  # seconds a press waits unless it says otherwise


async def answered(query: Query, fields: Fields) -> dict[str, Any] | None:
    """The bot's answer, None if it does not come in time."""
    try:
        return await asyncio.wait_for(asyncio.shield(query.answer), fields.seconds("wait", ANSWER_WITHIN))
    except TimeoutError:
        return None


async def press(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/press"""
    person = person_of(world, fields)
    chat, message = message_of(world, fields, person)
    button = _button(message, fields.text("button"))
    kind = button_view(button)["kind"]
    owner = message.body["via_bot"]["id"] if message.inline_message_id else message.sender["id"]
    if kind == "disabled":
        raise SimError(409, "this button is disabled")
    answer: dict[str, Any] = {"answer": None, "query_id": None, "update_id": None, "url": None, "copy": None}
    if kind != "callback":
        view = button_view(button)
        if kind == "web_app":
            view["url"] = opened(world, world.bots[owner], person, chat, view["url"], may_answer=True)
        return answer | {"url": view["url"], "copy": view["copy"]}
    query = world.queries.ask("callback", owner, person.id, chat=chat.key, message_id=message.id)
    body = {
        "id": query.id,
        "from": person.as_user(),
        "chat_instance": str(int.from_bytes(hashlib.sha256(chat.key.encode()).digest()[:7], "big")),
        "data": button["callback_data"],
    }
    if message.inline_message_id:
        body["inline_message_id"] = message.inline_message_id
    else:
        body["message"] = world.message_body(message, owner)
    update_id = world.deliver(owner, "callback_query", body, chat.key)
    return answer | {"query_id": query.id, "update_id": update_id, "answer": await answered(query, fields)}


def message_of(world: World, fields: Fields, person: Person) -> tuple[Chat, Message]:
    chat = known_chat(world, bot_of(world, fields), fields.integer("chat", default=person.id))
    message = world.find_message(chat, fields.integer("message_id"))
    if message is None:
        raise SimError(404, "there is no such message")
    return chat, message


def _button(message: Message, wanted: str) -> dict[str, Any]:
    """By data first, then by text: data is unique where a bot was careful, texts repeat."""
    buttons = [it for row in inline_rows(message) for it in row]
    for name in ("callback_data", "text"):
        for button in buttons:
            if button.get(name) == wanted:
                return button
    there = ", ".join(it["text"] for it in buttons) or "none at all"
    raise SimError(404, f"message {message.id} has no button {wanted!r}; there are: {there}")


async def react(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/react"""
    person = person_of(world, fields)
    chat, message = message_of(world, fields, person)
    wanted = fields.values.get("emoji")
    emoji = [wanted] if isinstance(wanted, str) and wanted else wanted or []
    if not isinstance(emoji, list) or not all(isinstance(it, str) for it in emoji):
        raise SimError(400, "emoji must be text, a list of texts or null")
    new = [{"type": "emoji", "emoji": it} for it in emoji]
    old = message.reactions.pop(str(person.id), [])
    if new:
        message.reactions[str(person.id)] = new
    world.save_message(message)
    announce(world, "reaction", message)
    body = {
        "chat": world.chat_body(chat),
        "message_id": message.id,
        "user": person.as_user(),
        "date": int(time.time()),
        "old_reaction": old,
        "new_reaction": new,
    }
    # In a group only an administrator hears of reactions.
    told = [it for it in chat.bots if chat.is_private or it in chat.admin_bots] if old != new else []
    update_ids = [world.deliver(it, "message_reaction", body, chat.key) for it in told]
    return {"message": message_view(world, message), "update_id": next((it for it in update_ids if it), None)}


async def stop(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/stop: no further drafts, please."""
    person = person_of(world, fields)
    chat = known_chat(world, bot_of(world, fields), person.id)
    draft = world.drafts.get(chat.key)
    if draft is None or not draft["can_stop"]:
        raise SimError(404, "there is no draft that can be stopped")
    if not draft["keep_on_stop"]:
        world.draft(chat, None)
    body = {"chat": world.chat_body(chat), "draft_id": draft["draft_id"]}
    return {"update_id": world.deliver(chat.bots[0], "stopped_message_generation", body, chat.key)}


async def user(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/user"""
    person = person_of(world, Fields({**fields.values, "user": fields.integer("id")}))
    if fields.has("blocked"):
        bot, blocked = bot_of(world, fields), fields.flag("blocked", default=False)
        if blocked != (bot.id in person.blocked):
            person.blocked = [it for it in person.blocked if it != bot.id] + ([bot.id] if blocked else [])
            world.save_person(person)
            world.events.publish("user", {"user": person_view(world, person)})
            chat = world.chats.get(f"{bot.id}:{person.id}")
            if chat is not None:
                old, new = ("member", "kicked") if blocked else ("kicked", "member")
                membership_changed(world, chat, bot, person, old, new)
    return {"user": person_view(world, person)}


async def topic(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/topic: a person opens a topic in a forum."""
    person = person_of(world, fields)
    chat = known_chat(world, bot_of(world, fields), fields.integer("chat"))
    if not chat.is_forum:
        raise SimError(409, "this chat is no forum")
    line = open_topic(world, chat, person.as_user(), {"name": fields.text("name"), "icon_color": COLOURS[0]})
    return {"message": message_view(world, line), "thread": line.id}


async def chat(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/chat"""
    chat_id = fields.integer("chat")
    if chat_id >= 0:
        raise SimError(400, "a group has a negative id; a private chat begins with a message")
    group = world.chats.get(str(chat_id)) or new_group(fields, chat_id)
    group.title = fields.optional_text("title") or group.title
    group.privacy = fields.flag("privacy", group.privacy)
    group.is_forum = fields.flag("forum", group.is_forum)
    if group.is_forum and group.type != "supergroup":
        raise SimError(400, "only a supergroup can be a forum")
    for name in ("members", "admins"):
        if fields.has(name):
            people = fields.integers(name)
            setattr(group, name, people)
            for user_id in people:
                person_of(world, Fields({"user": user_id}))
    group.members += [it for it in group.admins if it not in group.members]
    world.save_chat(group)
    if fields.has("bot_present") or fields.has("bot_admin"):
        _seat_bot(world, group, fields)
    publish_chat(world, group)
    return {"chat": chat_view(world, group)}


def _seat_bot(world: World, group: Chat, fields: Fields) -> None:
    bot = bot_of(world, fields)
    before = "administrator" if bot.id in group.admin_bots else "member" if bot.id in group.bots else "left"
    present = fields.flag("bot_present", default=True)
    admin = present and fields.flag("bot_admin", before == "administrator")
    after = "administrator" if admin else "member" if present else "kicked"
    group.bots = [it for it in group.bots if it != bot.id] + ([bot.id] if present else [])
    group.admin_bots = [it for it in group.admin_bots if it != bot.id] + ([bot.id] if admin else [])
    group.former_bots = [it for it in group.former_bots if it != bot.id] + ([] if present else [bot.id])
    group.left_bots = [it for it in group.left_bots if it != bot.id]
    world.save_chat(group)
    owner = world.people.get(group.admins[0] if group.admins else 0) or Person(1, "Somebody")
    if before != after:
        membership_changed(world, group, bot, owner, before, after)
