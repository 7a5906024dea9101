"""sendMessage, sendPhoto, sendDocument and their kin, and albums."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import bad_request
from bot.playground.files import Media
from bot.playground.methods.call import Call, caption_of, method, refuse_not_simulated, text_of
from bot.playground.methods.keyboards import split_markup
from bot.playground.methods.topics import thread_of
from bot.playground.records import Chat, Message
from bot.playground.validate import utf16_length
from bot.playground.views import announce

FILE_METHODS = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendAnimation": "animation",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendSticker": "sticker",
}
ALBUM_KINDS = {"photo": "visual", "video": "visual", "document": "document", "audio": "audio"}


@method("sendMessage")
async def send_message(call: Call) -> Any:
    target = prepared(call)
    body = text_of(call.params).fields("text", "entities")
    if "link_preview_options" in call.params:
        body["link_preview_options"] = call.params["link_preview_options"]
    return call.view(post(call, target, body))


@method(*FILE_METHODS)
async def send_file(call: Call) -> Any:
    kind = FILE_METHODS[call.method]
    target = prepared(call)
    body = media_body(call.params)
    media = await call.media(kind, call.params[kind], call.params)
    return call.view(post(call, target, body, media))


def media_body(source: dict[str, Any]) -> dict[str, Any]:
    """Caption and looks of a photo or file, from parameters or an InputMedia."""
    body = caption_of(source).fields("caption", "caption_entities")
    body |= {"has_media_spoiler": True} if source.get("has_spoiler") else {}
    return body | ({"show_caption_above_media": True} if source.get("show_caption_above_media") else {})


@method("sendMediaGroup")
async def send_media_group(call: Call) -> Any:
    target = prepared(call)
    items = call.params["media"]
    if len({ALBUM_KINDS.get(it["type"], it["type"]) for it in items}) > 1:
        raise bad_request("Document and audio files can't be mixed with other media types in an album")
    bodies = [media_body(it) for it in items]
    # All files are read before the first message appears: an album comes whole or not at all.
    files = [await call.media(it["type"], it["media"], it) for it in items]
    album = {"media_group_id": str(call.world.next_number("album"))} if len(items) > 1 else {}
    posted = [post(call, target, body | album, file) for body, file in zip(bodies, files, strict=True)]
    return [call.view(it) for it in posted]


class Target:
    """Where a message goes, checked before its file is worked on: chat, reply and keyboard."""

    def __init__(self, call: Call) -> None:
        self.chat = call.chat()
        call.world.may_write(call.bot, self.chat)
        self.body: dict[str, Any] = {}
        self.reply_to = self._reply(call, call.get("reply_parameters"))
        self.body |= thread_of(call, self.chat, call.world.find_message(self.chat, self.reply_to))
        inline, self.keyboard = split_markup(call.get("reply_markup"), self.chat)
        if inline:
            self.body["reply_markup"] = inline
        if call.get("protect_content"):
            self.body["has_protected_content"] = True
        if call.get("message_effect_id"):
            if not self.chat.is_private:
                raise bad_request("EFFECT_ID_INVALID")
            self.body["effect_id"] = call.get("message_effect_id")

    def _reply(self, call: Call, reply: dict[str, Any] | None) -> int | None:
        if reply is None:
            return None
        elsewhere = reply.get("chat_id")
        if elsewhere is not None and call.world.chat_for_bot(call.bot, elsewhere).key != self.chat.key:
            raise bad_request("replies to other chats are not supported by the playground")
        replied = call.world.find_message(self.chat, reply.get("message_id"))
        if replied is None:
            if reply.get("allow_sending_without_reply"):
                return None
            raise bad_request("message to be replied not found")
        if "quote" in reply:
            if reply["quote"] not in replied.text:
                raise bad_request("QUOTE_TEXT_INVALID")
            position = utf16_length(replied.text.partition(reply["quote"])[0])
            self.body["quote"] = {"text": reply["quote"], "position": position, "is_manual": True}
        return replied.id


def prepared(call: Call) -> Target:
    refuse_not_simulated(call.params)
    return Target(call)


def post(call: Call, target: Target, body: dict[str, Any], media: Media | None = None) -> Message:
    """Put the bot's message into the chat and tell everyone who watches."""
    return post_to(call, target.chat, body | target.body, media, reply_to=target.reply_to, keyboard=target.keyboard)


def post_to(call: Call, chat: Chat, body: dict[str, Any], media: Media | None, **more: Any) -> Message:
    message = call.world.add_message(chat, call.bot.as_user(), body, media=media, **more)
    announce(call.world, "message", message)
    return message
