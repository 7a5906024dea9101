"""Finds or makes the people and chats a request names, and tells bots what they may see."""

from __future__ import annotations

import time

from bot.playground.errors import SimError
from bot.playground.membership import chat_member
from bot.playground.records import Bot, Chat, Message, Person, chat_key
from bot.playground.sim.fields import Fields
from bot.playground.views import announce, chat_view, person_view
from bot.playground.world import World


def bot_of(world: World, fields: Fields) -> Bot:
    """The bot a request means: by id or @username, else the one that connected last."""
    named = fields.values.get("bot")
    if named in (None, ""):
        return world.default_bot()
    for bot in world.bots.values():
        if str(named).lstrip("@") in (str(bot.id), bot.username):
            return bot
    raise SimError(404, f"no bot {named} has connected")


def person_of(world: World, fields: Fields) -> Person:
    """The person a request names, made or changed as it says."""
    named = fields.values.get("user")
    about = Fields(named if isinstance(named, dict) else {**fields.values, "id": named})
    if named is None:
        raise SimError(400, "user is missing")
    user_id = about.integer("id")
    if user_id <= 0:
        raise SimError(400, "user must be a positive number")
    known = world.people.get(user_id)
    language = about.optional_text("language") or fields.optional_text("language")
    person = Person(
        user_id,
        name=about.optional_text("name") or (known.name if known else f"User {user_id}"),
        username=about.optional_text("username") or (known.username if known else None),
        language=language or (known.language if known else None),
        blocked=known.blocked if known else [],
    )
    if person != known:
        world.save_person(person)
        world.events.publish("user", lambda: {"user": person_view(world, person)})
    return person


def known_chat(world: World, bot: Bot, chat_id: int) -> Chat:
    chat = world.chats.get(chat_key(chat_id, bot.id))
    if chat is None:
        raise SimError(404, f"there is no chat {chat_id}")
    return chat


def chat_of(world: World, fields: Fields, person: Person) -> Chat:
    """The chat a person writes to; a private one or an unknown group comes into being."""
    chat_id = fields.integer("chat", default=person.id)
    if chat_id > 0 and chat_id != person.id:
        raise SimError(400, f"{person.id} cannot write into the private chat of {chat_id}")
    bot = bot_of(world, fields)
    chat = world.chats.get(chat_key(chat_id, bot.id))
    if chat is None:
        chat = Chat(chat_id, "private", [bot.id]) if chat_id > 0 else new_group(fields, chat_id)
        world.save_chat(chat)
    if chat.type == "channel":
        raise SimError(400, "nothing is posted in channels here; one may speak in a group: sender_chat")
    if person.id not in chat.members:
        chat.members.append(person.id)
        if not chat.is_private and not chat.admins:
            chat.admins.append(person.id)  # who begins a group owns it
        world.save_chat(chat)
        publish_chat(world, chat)
    unknown_here = bot.id not in {*chat.bots, *chat.former_bots, *chat.left_bots}
    if unknown_here and (not chat.bots or fields.has("bot")):
        invite(world, chat, bot, person)
    return chat


def new_group(fields: Fields, chat_id: int) -> Chat:
    kind = fields.text("type", "supergroup")
    if kind not in ("group", "supergroup", "channel"):
        raise SimError(400, 'type must be "group", "supergroup" or "channel"')
    return Chat(chat_id, kind, [], title=fields.optional_text("title"))


def publish_chat(world: World, chat: Chat) -> None:
    world.events.publish("chat", lambda: {"chat": chat_view(world, chat)})


def invite(world: World, chat: Chat, bot: Bot, person: Person) -> None:
    """Put a bot into a group: it is told, and the chat shows a line."""
    chat.bots.append(bot.id)
    chat.former_bots = [it for it in chat.former_bots if it != bot.id]
    chat.left_bots = [it for it in chat.left_bots if it != bot.id]
    world.save_chat(chat)
    membership_changed(world, chat, bot, person, "left", "member")
    added = {"new_chat_members": [bot.as_user()]}
    notice = world.add_service(chat, person.as_user(), added, f"{person.name} added {bot.first_name}")
    announce(world, "message", notice)
    publish_chat(world, chat)


def membership_changed(world: World, chat: Chat, bot: Bot, person: Person, old: str, new: str) -> int | None:
    """Tell a bot that it was added, thrown out, blocked or let in again."""

    change = {
        "chat": world.chat_body(chat),
        "from": person.as_user(),
        "date": int(time.time()),
        "old_chat_member": chat_member(old, bot.as_user()),
        "new_chat_member": chat_member(new, bot.as_user()),
    }
    return world.deliver(bot.id, "my_chat_member", change, chat.key)


def deliver_message(world: World, message: Message, update_type: str) -> int | None:
    """Hand a person's message to the bots that may see it; returns the update id of the first of them."""
    chat = world.chats[message.chat]
    update_ids = [
        world.deliver(bot_id, update_type, world.message_body(message, bot_id), chat.key)
        for bot_id in chat.bots
        if may_see(world, chat, message, world.bots[bot_id])
    ]
    return next((it for it in update_ids if it is not None), None)


def may_see(world: World, chat: Chat, message: Message, bot: Bot) -> bool:
    """Privacy mode: in a group a bot gets commands, mentions of it and replies to it, unless it may see all."""
    if chat.is_private:
        return bot.id not in world.people[chat.id].blocked
    if not chat.privacy or bot.id in chat.admin_bots:
        return True
    replied = world.messages[chat.key].get(message.reply_to or 0)
    if replied is not None and replied.sender["id"] == bot.id:
        return True
    text = message.text.encode("utf-16-le")
    for it in message.body.get("entities") or message.body.get("caption_entities") or []:
        words = text[2 * it["offset"] : 2 * (it["offset"] + it["length"])].decode("utf-16-le")
        _, _, named = words.lower().partition("@")
        if it["type"] == "bot_command" and named in ("", bot.username.lower()):
            return True
        if it["type"] == "mention" and named == bot.username.lower():
            return True
    return False
