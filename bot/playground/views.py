"""How the user plane shows people, chats and messages (the shapes of README.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.playground.files import StoredFile
from bot.playground.records import Chat, Message, Person

if TYPE_CHECKING:
    from bot.playground.world import World

JSON = dict[str, Any]


def user_view(world: World, user: JSON) -> JSON:
    name = " ".join(part for part in (user["first_name"], user.get("last_name")) if part)
    person = world.people.get(user["id"])
    return {
        "id": user["id"],
        "is_bot": user["is_bot"],
        "name": name,
        "username": user.get("username"),
        "language": user.get("language_code"),
        "blocked": bool(person and person.blocked),
    }


def person_view(world: World, person: Person) -> JSON:
    return user_view(world, person.as_user())


def chat_view(world: World, chat: Chat) -> JSON:
    messages = world.messages[chat.key]
    last = next((it for it in reversed(messages.values()) if not it.deleted), None)
    action = world.actions.get(chat.key)
    draft = world.drafts.get(chat.key)
    people = [world.people[it] for it in chat.members if it in world.people]
    return {
        "id": chat.id,
        "bot": chat.bots[0] if chat.bots else None,
        "bots": chat.bots,
        "type": chat.type,
        "title": world.people[chat.id].name if chat.is_private else chat.title or f"Group {chat.id}",
        "members": [person_view(world, it) for it in people],
        "messages": len(messages),
        "last_message": message_view(world, last) if last else None,
        "actions": [action] if action and action["expires"] > time.time() else [],
        "forum": chat.is_forum,
        "topics": [
            {"id": int(it), "name": about["name"], "closed": about["is_closed"]} for it, about in chat.topics.items()
        ],
        "draft": draft if draft and draft["expires"] > time.time() else None,
        "pinned": chat.pinned,
        "bot_admin": bool(chat.admin_bots),
        "privacy": chat.privacy,
    }


def message_view(world: World, message: Message) -> JSON:
    chat, body, media = world.chats[message.chat], message.body, message.media or {}
    return {
        "id": message.id,
        "chat": chat.id,
        "bot": chat.bots[0] if chat.bots else None,
        "from": user_view(world, message.sender),
        "date": body["date"],
        "edit_date": body.get("edit_date"),
        "text": body.get("text"),
        "caption": body.get("caption"),
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "photo": photo_view(world, message) if media.get("type") == "photo" else None,
        "document": file_view(world, world.files.files[media["file"]]) if media.get("type") == "document" else None,
        "media": (
            {"type": media["type"], **file_view(world, world.files.files[media["file"]])}
            if media and media["type"] not in ("photo", "document")
            else None
        ),
        "album": body.get("media_group_id"),
        "buttons": [[button_view(it) for it in row] for row in inline_rows(message)],
        "keyboard": keyboard_view(message.keyboard),
        "reply_to": message.reply_to,
        "thread": body.get("message_thread_id"),
        "poll": poll_view(message) if "poll" in body else None,
        "quote": body.get("quote", {}).get("text"),
        "forward_from": forward_name(body.get("forward_origin")),
        "via_bot": user_view(world, body["via_bot"]) if "via_bot" in body else None,
        "caption_above": body.get("show_caption_above_media", False),
        "pinned": message.id in chat.pinned,
        "inline_message_id": message.inline_message_id,
        "notice": message.notice,
        "reactions": reactions_view(message),
        "edits": message.edits,
        "deleted": message.deleted,
    }


def inline_rows(message: Message) -> list[list[JSON]]:
    rows: list[list[JSON]] = message.body.get("reply_markup", {}).get("inline_keyboard", [])
    return rows


def photo_view(world: World, message: Message) -> JSON:
    assert message.media is not None
    stored = [world.files.files[it] for it in message.media["sizes"]]
    sizes = [size_view(it) for it in stored]
    return {**sizes[-1], "spoiler": message.body.get("has_media_spoiler", False), "sizes": sizes}


def size_view(stored: StoredFile) -> JSON:
    return {
        "width": stored.width,
        "height": stored.height,
        "file_size": stored.size,
        "file_url": file_url(stored),
    }


def file_view(world: World, stored: StoredFile) -> JSON:
    preview = world.files.files[stored.thumbnail] if stored.thumbnail else None
    return {
        "file_name": stored.name,
        "mime_type": stored.mime_type,
        **size_view(stored),
        "thumbnail_url": file_url(preview) if preview else None,
        "duration": stored.duration,
        "performer": stored.performer,
        "title": stored.title,
    }


def file_url(stored: StoredFile) -> str:
    return f"/sim/file/{stored.unique_id}/{quote(stored.name or stored.path.rpartition('/')[2], safe='')}"


def button_view(button: JSON) -> JSON:
    kinds = {
        "callback_data": "callback",
        "url": "url",
        "login_url": "url",
        "copy_text": "copy",
        "web_app": "web_app",
        "disabled": "disabled",
        "switch_inline_query": "switch_inline",
        "switch_inline_query_current_chat": "switch_inline",
        "switch_inline_query_chosen_chat": "switch_inline",
    }
    link = button.get("web_app") or button.get("login_url") or {}
    return {
        "text": button["text"],
        "kind": next((kind for name, kind in kinds.items() if name in button), "other"),
        "data": button.get("callback_data"),
        "url": button.get("url") or link.get("url"),
        "copy": button.get("copy_text", {}).get("text"),
        "style": button.get("style"),
    }


def keyboard_view(keyboard: JSON | None) -> JSON | None:
    if keyboard is None:
        return None
    if "remove_keyboard" in keyboard:
        return {"remove": True}
    if "force_reply" in keyboard and "keyboard" not in keyboard:
        return {"force_reply": True}
    return {
        "rows": [[it if isinstance(it, str) else it["text"] for it in row] for row in keyboard["keyboard"]],
        "apps": [it["text"] for row in keyboard["keyboard"] for it in row if isinstance(it, dict) and "web_app" in it],
        "one_time": keyboard.get("one_time_keyboard", False),
        "placeholder": keyboard.get("input_field_placeholder"),
    }


def poll_view(message: Message) -> JSON:
    poll = message.poll()
    votes = [
        sorted(int(who) for who, chosen in message.votes.items() if index in chosen)
        for index in range(len(poll["options"]))
    ]
    return {
        "question": poll["question"],
        "options": [{"text": it["text"], "users": users} for it, users in zip(poll["options"], votes, strict=True)],
        "type": poll["type"],
        "closed": poll["is_closed"],
        "anonymous": poll["is_anonymous"],
        "multiple": poll["allows_multiple_answers"],
        "correct": poll.get("correct_option_ids", []),
    }


def forward_name(origin: JSON | None) -> str | None:
    origin = origin or {}
    user, chat = origin.get("sender_user"), origin.get("sender_chat") or origin.get("chat")
    if chat:
        return str(chat.get("title"))
    return " ".join(part for part in (user["first_name"], user.get("last_name")) if part) if user else None


def reactions_view(message: Message) -> list[JSON]:
    users: dict[str, list[int]] = {}
    for user_id, reactions in message.reactions.items():
        for it in reactions:
            users.setdefault(it.get("emoji", "⭐"), []).append(int(user_id))
    return [{"emoji": emoji, "users": people} for emoji, people in users.items()]


def announce(world: World, event: str, message: Message) -> None:
    """Publish `message`, `edit` or `reaction` with the message as it is now."""
    view = message_view(world, message)
    world.events.publish(event, {"chat": view["chat"], "bot": view["bot"], "message": view})
