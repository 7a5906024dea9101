"""Drafts: what a bot is about to say, shown for a while and never kept."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.entities import formatted
from bot.playground.errors import bad_request
from bot.playground.methods.call import MAX_TEXT, Call, method, refuse_not_simulated
from bot.playground.methods.topics import thread_of
from bot.playground.validate import utf16_length
from bot.playground.views import user_view

SHOWN_FOR = 30.0  # seconds


@method("sendMessageDraft")
async def send_message_draft(call: Call) -> Any:
    refuse_not_simulated(call.params)
    chat = call.chat()
    call.world.may_write(call.bot, chat)
    thread_of(call, chat)
    if not chat.is_private:
        raise bad_request("drafts can be sent to private chats only")
    if call.params["draft_id"] == 0:
        raise bad_request("draft identifier must be non-zero")
    text = formatted(call.get("text", ""), call.get("parse_mode"), call.get("entities"))
    if utf16_length(text.text) > MAX_TEXT:
        raise bad_request("message is too long")
    call.world.draft(
        chat,
        {
            "draft_id": call.params["draft_id"],
            "from": user_view(call.world, call.bot.as_user()),
            "text": text.text,
            "entities": text.entities,
            "can_stop": call.get("can_stop", False),
            "keep_on_stop": call.get("keep_on_stop", False),
            "expires": time.time() + SHOWN_FOR,
        },
    )
    return True
