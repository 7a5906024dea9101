"""deleteMessage(s), pins."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.methods.call import Call, method, refuse_not_simulated
from bot.playground.records import Chat, Message
from bot.playground.views import announce

DELETABLE_FOR = 48 * 3600


@method("deleteMessage")
async def delete_message(call: Call) -> Any:
    chat = call.chat()
    message = call.message("message_id", "message to delete not found", chat)
    _check_deletable(call, chat, message)
    call.world.delete_message(chat, message)
    return True


@method("deleteMessages")
async def delete_messages(call: Call) -> Any:
    chat = call.chat()
    found = [call.world.find_message(chat, it) for it in call.params["message_ids"]]
    messages = [it for it in found if it is not None]
    for message in messages:
        _check_deletable(call, chat, message)
    for message in messages:
        call.world.delete_message(chat, message)
    return True


def _check_deletable(call: Call, chat: Chat, message: Message) -> None:
    if message.sender["id"] != call.bot.id and not chat.is_private and call.bot.id not in chat.admin_bots:
        raise bad_request("message can't be deleted")
    if chat.is_private and time.time() - message.body["date"] > DELETABLE_FOR:
        raise bad_request("message can't be deleted for everyone")


@method("pinChatMessage", "unpinChatMessage", "unpinAllChatMessages")
async def pin(call: Call) -> Any:
    refuse_not_simulated(call.params)
    chat = call.chat()
    if not chat.is_private and call.bot.id not in chat.admin_bots:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    if call.method == "pinChatMessage":
        message = call.message("message_id", "message to pin not found", chat)
        if message.notice:
            raise bad_request("service messages can't be pinned")
        _pinned(call, chat, message.id, pinned=True)
        line = f"{call.bot.first_name} pinned {f'“{message.text[:40]}”' if message.text else 'a message'}"
        service = call.world.add_service(chat, call.bot.as_user(), {"pinned_message": message.id}, line)
        announce(call.world, "message", service)
        return True
    named = [call.params["message_id"]] if "message_id" in call.params else chat.pinned[-1:]
    gone = list(chat.pinned) if call.method == "unpinAllChatMessages" else named
    for message_id in gone:
        if message_id not in chat.pinned:
            raise bad_request("message to unpin not found")
        _pinned(call, chat, message_id, pinned=False)
    return True


def _pinned(call: Call, chat: Chat, message_id: int, pinned: bool) -> None:
    chat.pinned = [it for it in chat.pinned if it != message_id] + ([message_id] if pinned else [])
    call.world.save_chat(chat)
    event = {"chat": chat.id, "bot": chat.bots[0], "message_id": message_id, "pinned": pinned}
    call.world.events.publish("pin", event)
