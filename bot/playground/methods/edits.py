"""Edits of text, caption, media and keyboard, in chats and of inline messages."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.files import Media
from bot.playground.methods.call import Call, caption_of, method, refuse_not_simulated, text_of
from bot.playground.methods.keyboards import inline_keyboard
from bot.playground.methods.sending import ALBUM_KINDS, media_body
from bot.playground.records import Message
from bot.playground.views import announce

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
CONTENT = frozenset({"text", "entities", "caption", "caption_entities", "link_preview_options"}) | {
    "has_media_spoiler",
    "show_caption_above_media",
}


@method("editMessageText")
async def edit_text(call: Call) -> Any:
    message = _to_edit(call)
    if "text" not in call.params:
        raise bad_request("message text is empty")
    body = text_of(call.params).fields("text", "entities")
    if "link_preview_options" in call.params:
        body["link_preview_options"] = call.params["link_preview_options"]
    if message.media is not None:
        raise bad_request("there is no text in the message to edit")
    return _changed(call, message, body, message.media)


@method("editMessageCaption")
async def edit_caption(call: Call) -> Any:
    message = _to_edit(call)
    if message.media is None:
        raise bad_request("there is no caption in the message to edit")
    body = caption_of(call.params).fields("caption", "caption_entities")
    if message.body.get("has_media_spoiler"):
        body["has_media_spoiler"] = True
    if call.get("show_caption_above_media"):
        body["show_caption_above_media"] = True
    return _changed(call, message, body, message.media)


@method("editMessageMedia")
async def edit_media(call: Call) -> Any:
    message = _to_edit(call)
    item = call.params["media"]
    if message.inline_message_id and item["media"].startswith("attach://"):
        raise bad_request("a new file can't be uploaded when an inline message is edited; use a file_id")
    if "media_group_id" in message.body and message.media is not None:
        kinds = {ALBUM_KINDS.get(it, it) for it in (message.media["type"], item["type"])}
        if len(kinds) > 1:
            raise bad_request("message media can't be changed to another type within an album")
    body = media_body(item)
    media = await call.media(item["type"], item["media"], item)
    # The file took a while to read: the message may have gone in the meantime.
    if message.deleted:
        raise bad_request("message to edit not found")
    return _changed(call, message, body, media)


@method("editMessageReplyMarkup")
async def edit_reply_markup(call: Call) -> Any:
    message = _to_edit(call)
    body = {key: value for key, value in message.body.items() if key in CONTENT}
    return _changed(call, message, body, message.media)


def _to_edit(call: Call) -> Message:
    refuse_not_simulated(call.params)
    message: Message | None
    if "inline_message_id" in call.params:
        message = call.world.inline_messages.get(call.params["inline_message_id"])
        if message is None or message.deleted or message.body["via_bot"]["id"] != call.bot.id:
            raise bad_request("MESSAGE_ID_INVALID")
        return message
    for name, refusal in (("chat_id", "chat_id is empty"), ("message_id", "message identifier is not specified")):
        if name not in call.params:
            raise bad_request(refusal)
    message = call.message("message_id", "message to edit not found")
    if message.sender["id"] != call.bot.id or message.notice or "forward_origin" in message.body:
        raise bad_request("message can't be edited")
    call.world.may_write(call.bot, call.chat())
    return message


def _changed(call: Call, message: Message, content: dict[str, Any], media: Media | None) -> Any:
    """Put new content in; an edit that names no keyboard takes the old one away, as in Telegram."""
    body = {key: value for key, value in message.body.items() if key not in CONTENT and key != "reply_markup"} | content
    markup = inline_keyboard(call.get("reply_markup"), call.world.chats[message.chat])
    if markup:
        body["reply_markup"] = markup
    if _same(body, message.body) and media == message.media:
        raise bad_request(NOT_MODIFIED)
    message.body = body | {"edit_date": int(time.time())}
    message.media = media
    message.edits += 1
    call.world.save_message(message)
    announce(call.world, "edit", message)
    return True if message.inline_message_id else call.view(message)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {**one, "edit_date": None} == {**other, "edit_date": None}
