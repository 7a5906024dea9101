"""Topics of forums: made, renamed, closed and deleted; each begins with a line in the chat whose number is its own."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import bad_request
from bot.playground.methods.call import Call, method
from bot.playground.records import Chat, Message
from bot.playground.views import announce
from bot.playground.world import World

COLOURS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)


def open_topic(world: World, chat: Chat, sender: dict[str, Any], about: dict[str, Any]) -> Message:
    """A new topic; `about` is name, icon_color and perhaps icon_custom_emoji_id. Returns the line it begins with."""
    line = world.add_message(chat, sender, {"forum_topic_created": about}, notice=f"Topic “{about['name']}”")
    line.body |= {"message_thread_id": line.id, "is_topic_message": True}
    chat.topics[str(line.id)] = {**about, "is_closed": False}
    world.save_chat(chat)
    world.save_message(line)
    announce(world, "message", line)
    world.tell_bots(line)
    return line


def thread_of(call: Call, chat: Chat, replied: Message | None = None) -> dict[str, Any]:
    """The fields of a message in the topic that a call names, else in that of the message it replies to."""
    thread = call.get("message_thread_id")
    if thread is None:
        thread = replied.body.get("message_thread_id") if replied else None
    if thread is None:
        return {}
    topic = chat.topics.get(str(thread))
    if topic is None:
        raise bad_request("message thread not found")
    if topic["is_closed"] and call.bot.id not in chat.admin_bots:
        raise bad_request("TOPIC_CLOSED")
    return {"message_thread_id": thread, "is_topic_message": True}


def _forum(call: Call) -> Chat:
    chat = call.chat()
    if not chat.is_forum:
        raise bad_request("the chat is not a forum")
    if call.bot.id not in chat.admin_bots:
        raise bad_request("not enough rights to manage topics")
    return chat


def _topic(call: Call, chat: Chat) -> dict[str, Any]:
    topic = chat.topics.get(str(call.params["message_thread_id"]))
    if topic is None:
        raise bad_request("message thread not found")
    return topic


@method("createForumTopic")
async def create_forum_topic(call: Call) -> Any:
    chat = _forum(call)
    colour = call.get("icon_color", COLOURS[0])
    if colour not in COLOURS:
        raise bad_request("invalid icon color specified")
    about = {"name": call.params["name"], "icon_color": colour}
    about |= {"icon_custom_emoji_id": call.params["icon_custom_emoji_id"]} if call.get("icon_custom_emoji_id") else {}
    return {"message_thread_id": open_topic(call.world, chat, call.bot.as_user(), about).id, **about}


@method("editForumTopic")
async def edit_forum_topic(call: Call) -> Any:
    chat = _forum(call)
    topic = _topic(call, chat)
    wanted = {name: call.get(name) for name in ("name", "icon_custom_emoji_id")}
    changes = {name: it for name, it in wanted.items() if it and it != topic.get(name)}
    if not changes:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic |= changes
    return _line(call, chat, {"forum_topic_edited": changes}, f"Topic “{topic['name']}” changed")


@method("closeForumTopic", "reopenForumTopic")
async def close_forum_topic(call: Call) -> Any:
    chat = _forum(call)
    topic = _topic(call, chat)
    closing = call.method == "closeForumTopic"
    if topic["is_closed"] == closing:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic["is_closed"] = closing
    words = "closed" if closing else "reopened"
    return _line(call, chat, {f"forum_topic_{words}": {}}, f"Topic “{topic['name']}” {words}")


def _line(call: Call, chat: Chat, body: dict[str, Any], notice: str) -> bool:
    """What has become of a topic stands in it."""
    call.world.save_chat(chat)
    place = {"message_thread_id": call.params["message_thread_id"], "is_topic_message": True}
    announce(call.world, "message", call.world.add_service(chat, call.bot.as_user(), body | place, notice))
    return True


@method("deleteForumTopic")
async def delete_forum_topic(call: Call) -> Any:
    chat = _forum(call)
    _topic(call, chat)
    thread = call.params["message_thread_id"]
    del chat.topics[str(thread)]
    call.world.save_chat(chat)
    for message in call.world.messages[chat.key].values():
        if message.body.get("message_thread_id") == thread and not message.deleted:
            call.world.delete_message(chat, message)
    return True
