"""copyMessage(s) and forwardMessage(s)."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.methods.call import Call, caption_of, method
from bot.playground.methods.sending import post, post_to, prepared
from bot.playground.records import Message

# Fields of a body that do not travel with a copy.
LEFT_BEHIND = frozenset(
    {"date", "edit_date", "reply_markup", "media_group_id", "forward_origin", "via_bot", "quote"}
) | {
    "sender_chat",
    "is_automatic_forward",
    "message_thread_id",
    "is_topic_message",
    "has_protected_content",
    "effect_id",
}


@method("copyMessage")
async def copy_message(call: Call) -> Any:
    target = prepared(call)
    return {"message_id": _copied(call, target, _source(call, call.params["message_id"], "copy")).id}


def _copied(call: Call, target: Any, source: Message) -> Message:
    body = {key: value for key, value in source.body.items() if key not in LEFT_BEHIND}
    if "caption" in call.params and source.media is not None:
        body = {key: value for key, value in body.items() if key not in ("caption", "caption_entities")}
        body |= caption_of(call.params).fields("caption", "caption_entities")
    return post(call, target, body, source.media)


@method("copyMessages")
async def copy_messages(call: Call) -> Any:
    target = prepared(call)
    sources = _known_sources(call, "copy")
    return [{"message_id": _copied(call, target, it).id} for it in sources]


@method("forwardMessage")
async def forward_message(call: Call) -> Any:
    return call.view(_forwarded(call, _source(call, call.params["message_id"], "forward")))


@method("forwardMessages")
async def forward_messages(call: Call) -> Any:
    return [{"message_id": _forwarded(call, it).id} for it in _known_sources(call, "forward")]


def _forwarded(call: Call, source: Message) -> Message:
    target = prepared(call)
    return post_to(call, target.chat, forwarded_body(source) | target.body, source.media)


def forwarded_body(source: Message) -> dict[str, Any]:
    """The fields of a message that travel with it, and where it came from first."""
    body = {key: value for key, value in source.body.items() if key not in LEFT_BEHIND}
    return body | {"forward_origin": source.body.get("forward_origin") or _origin(source)}


def _origin(source: Message) -> dict[str, Any]:
    date, spoken_for = source.body["date"], source.body.get("sender_chat")
    if spoken_for is None:
        return {"type": "user", "sender_user": source.sender, "date": date}
    if spoken_for["type"] == "channel":
        return {"type": "channel", "chat": spoken_for, "message_id": source.id, "date": date}
    return {"type": "chat", "sender_chat": spoken_for, "date": date}


def is_kept(message: Message) -> bool:
    """Whether a message must stay where it is."""
    return bool(message.notice or message.body.get("has_protected_content") or "poll" in message.body)


def _source(call: Call, message_id: int, verb: str) -> Message:
    chat = call.chat("from_chat_id")
    message = call.world.find_message(chat, message_id)
    if message is None:
        raise bad_request(f"message to {verb} not found")
    if is_kept(message):
        raise bad_request(f"message can't be {'copied' if verb == 'copy' else 'forwarded'}")
    return message


def _known_sources(call: Call, verb: str) -> list[Message]:
    """Of several messages those that cannot be found are passed over; none at all is a refusal."""
    found: list[Message] = []
    for message_id in call.params["message_ids"]:
        try:
            found.append(_source(call, message_id, verb))
        except ApiError as refusal:
            if refusal.code != 400 or "message" not in refusal.description:
                raise
    if not found:
        raise bad_request(f"there are no messages to {verb}")
    return found
