"""Chats and who is in them, chat actions, reactions of the bot."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.membership import chat_member
from bot.playground.methods.call import Call, method, refuse_not_simulated
from bot.playground.methods.topics import thread_of
from bot.playground.records import Chat
from bot.playground.schema import allowed_reactions
from bot.playground.views import announce, chat_view, user_view

ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_invite_users",
)
ACTION_LASTS = 5.0  # seconds


@method("sendChatAction")
async def send_chat_action(call: Call) -> Any:
    refuse_not_simulated(call.params)
    chat = call.chat()
    call.world.may_write(call.bot, chat)
    thread_of(call, chat)
    if call.params["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    action = {
        "action": call.params["action"],
        "from": user_view(call.world, call.bot.as_user()),
        "expires": time.time() + ACTION_LASTS,
    }
    call.world.actions[chat.key] = action
    call.world.events.publish("chat_action", {"chat": chat.id, "bot": call.bot.id, **action})
    return True


@method("setMessageReaction")
async def set_message_reaction(call: Call) -> Any:
    message = call.message("message_id", "message to react not found")
    reactions = call.get("reaction", [])
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for it in reactions:
        if it["type"] != "emoji" or it["emoji"].replace("\ufe0f", "") not in allowed_reactions():
            raise bad_request("REACTION_INVALID")
    message.reactions.pop(str(call.bot.id), None)
    if reactions:
        message.reactions[str(call.bot.id)] = reactions
    call.world.save_message(message)
    announce(call.world, "reaction", message)
    return True


@method("getChat")
async def get_chat(call: Call) -> Any:
    chat = call.chat()
    full = call.world.chat_body(chat) | {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
        ),
    }
    if not chat.is_private:
        full["permissions"] = dict.fromkeys(PERMISSIONS, True)
    pinned = call.world.find_message(chat, chat.pinned[-1]) if chat.pinned else None
    return full | ({"pinned_message": call.view(pinned)} if pinned else {})


@method("getChatMember")
async def get_chat_member(call: Call) -> Any:
    chat, user_id = call.chat(), call.params["user_id"]
    if chat.type == "channel" and call.bot.id not in chat.admin_bots and user_id != call.bot.id:
        raise bad_request("member list is inaccessible")
    return member(call, chat, user_id)


def member(call: Call, chat: Chat, user_id: int) -> dict[str, Any]:
    """A ChatMember: creator (the first of the administrators), administrator, member or left."""
    if user_id in call.world.bots:
        user = call.world.bots[user_id].as_user()
        inside, admin = user_id in chat.bots, user_id in chat.admin_bots
    elif user_id in call.world.people:
        user = call.world.people[user_id].as_user()
        inside, admin = user_id in chat.members, user_id in chat.admins
    else:
        raise bad_request("invalid user_id specified")
    if not inside:
        return chat_member("left", user)
    if admin and chat.admins[:1] == [user_id]:
        return chat_member("creator", user)
    return chat_member("administrator" if admin else "member", user)


@method("getChatAdministrators")
async def get_chat_administrators(call: Call) -> Any:
    chat = call.chat()
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    return [member(call, chat, it) for it in [*chat.admins, *(it for it in chat.admin_bots if it != call.bot.id)]]


@method("getChatMemberCount")
async def get_chat_member_count(call: Call) -> Any:
    chat = call.chat()
    return len(chat.members) + len(chat.bots)


@method("leaveChat")
async def leave_chat(call: Call) -> Any:
    chat = call.chat()
    if chat.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bots.remove(call.bot.id)
    chat.admin_bots = [it for it in chat.admin_bots if it != call.bot.id]
    chat.left_bots.append(call.bot.id)
    call.world.save_chat(chat)
    user = call.bot.as_user()
    left = call.world.add_service(chat, user, {"left_chat_member": user}, f"{call.bot.first_name} left the group")
    announce(call.world, "message", left)
    call.world.events.publish("chat", {"chat": chat_view(call.world, chat)})
    return True
