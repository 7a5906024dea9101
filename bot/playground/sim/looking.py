"""What there is to see: chats, transcripts, calls, updates, commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.playground.methods.profile import menu_button, scope_key, text_for
from bot.playground.records import Chat, Person, chat_key
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of
from bot.playground.views import chat_view, message_view, person_view
from bot.playground.world import World

if TYPE_CHECKING:
    from bot.playground.botplane import BotPlane

Look = Callable[[World, "BotPlane", Fields], dict[str, Any]]


def transcript(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    chat_id = fields.integer("chat")
    bot = bot_of(world, fields) if world.bots else None
    chat = world.chats.get(chat_key(chat_id, bot.id)) if bot else None
    if chat is None:
        return {"chat": None, "messages": []}
    after, limit = fields.integer("after", 0), fields.integer("limit", 1000)
    messages = [it for it in world.messages[chat.key].values() if it.id > after]
    return {"chat": chat_view(world, chat), "messages": [message_view(world, it) for it in messages[-limit:]]}


def chats(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    def latest(chat: Chat) -> tuple[int, int]:
        last = next(reversed(world.messages[chat.key].values()), None)
        return (last.body["date"], last.id) if last else (0, 0)

    return {"chats": [chat_view(world, it) for it in sorted(world.chats.values(), key=latest, reverse=True)]}


def users(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    return {"users": [person_view(world, it) for it in world.people.values()]}


def bot_list(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    return {"bots": [world.bot_view(it) for it in world.bots]}


def calls(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    after, limit, method = fields.integer("after", 0), fields.integer("limit", 500), fields.optional_text("method")
    wanted = [it for it in bots.calls if it["id"] > after and method in (None, it["method"])]
    return {"calls": wanted[-limit:]}


def updates(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    after = fields.integer("after", 0)
    mailbox = world.mailboxes[bot_of(world, fields).id]
    return {
        "updates": [
            {
                "update_id": it.id,
                "type": it.type,
                "delivered": mailbox.delivered.get(it.id, 0),
                "update": it.as_json(),
            }
            for it in mailbox.history
            if it.id > after
        ]
    }


def faults(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    return {"faults": [it.view() for it in bots.faults.faults]}


def commands(world: World, bots: BotPlane, fields: Fields) -> dict[str, Any]:
    """The list a client shows: the narrowest scope that has one, in the person's language before the common one."""
    user_id = fields.integer("user")
    bot, chat_id = bot_of(world, fields), fields.integer("chat", default=user_id)
    person = world.people.get(user_id) or Person(user_id, f"User {user_id}")
    language = fields.optional_text("language") or person.language or ""
    chat = world.chats.get(chat_key(chat_id, bot.id))
    shown: dict[str, Any] = {"commands": [], "scope": None, "language": ""}
    for scope in _scopes(chat, chat_id, user_id):
        found = next((it for it in (language, "") if scope_key(scope, it) in bot.commands), None)
        if found is not None:
            shown = {"commands": bot.commands[scope_key(scope, found)], "scope": scope, "language": found}
            break
    texts = {name: text_for(bot, name, language) for name in ("name", "description", "short_description")}
    return shown | texts | {"menu_button": menu_button(bot, chat_id if chat_id > 0 else None)}


def _scopes(chat: Chat | None, chat_id: int, user_id: int) -> list[dict[str, Any]]:
    """In the order of https://core.telegram.org/bots/api#determining-list-of-commands."""
    here: dict[str, Any] = {"chat_id": chat_id}
    default: dict[str, Any] = {"type": "default"}
    if chat_id > 0:
        return [{"type": "chat", **here}, {"type": "all_private_chats"}, default]
    admin = chat is not None and user_id in chat.admins
    return [
        {"type": "chat_member", **here, "user_id": user_id},
        *([{"type": "chat_administrators", **here}] if admin else []),
        {"type": "chat", **here},
        *([{"type": "all_chat_administrators"}] if admin else []),
        {"type": "all_group_chats"},
        default,
    ]


LOOKS: dict[str, Look] = {
    "transcript": transcript,
    "chats": chats,
    "users": users,
    "bots": bot_list,
    "calls": calls,
    "updates": updates,
    "faults": faults,
    "commands": commands,
}
