"""People write: texts, photos, documents, albums, and edits of their own messages."""

from __future__ import annotations

import time
from typing import Any

from bot.playground.entities import FormattedText, formatted
from bot.playground.errors import SimError
from bot.playground.files import KINDS, Media
from bot.playground.methods.call import MAX_CAPTION, MAX_TEXT
from bot.playground.methods.sending import ALBUM_KINDS
from bot.playground.records import Chat, Message
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of, chat_of, deliver_message, known_chat, person_of
from bot.playground.sim.stand_ins import written_by
from bot.playground.validate import utf16_length
from bot.playground.views import announce, message_view
from bot.playground.world import World

ALBUM = range(2, 11)
TELLING = {"duration", "width", "height"}  # numbers that a sender tells of a file


async def message(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/message"""
    world.default_bot()
    files = [(kind, upload) for kind in KINDS for upload in fields.uploads.get(kind, [])]
    if len({ALBUM_KINDS.get(kind, kind) for kind, _ in files}) > 1:
        raise SimError(400, "an album is of photos and videos, of documents or of music")
    if len(files) > 1 and (len(files) not in ALBUM or files[0][0] not in ALBUM_KINDS):
        raise SimError(400, "an album has 2 to 10 files, and none of voices, animations and stickers")
    text = _limited(fields.text("text", ""), "text", MAX_TEXT)
    caption = _limited(fields.text("caption", ""), "caption", MAX_CAPTION)
    if not text.text and not files:
        raise SimError(400, "text is empty and no file came along")
    media: list[Media | None] = [
        await (world.files.add_photo(it) if kind == "photo" else world.files.add_file(kind, it, _told(fields)))
        for kind, it in files
    ]
    person = person_of(world, fields)
    chat = chat_of(world, fields, person)
    reply_to = _replied(world, chat, fields)
    sender, spoken = written_by(world, fields, person, chat)
    spoken |= _thread(world, chat, fields, reply_to)
    body = caption.fields("caption", "caption_entities") if files else text.fields("text", "entities")
    album = {"media_group_id": str(world.next_number("album"))} if len(files) > 1 else {}
    messages, update_ids = [], []
    for index, item in enumerate(media or [None]):
        sent = world.add_message(
            chat, sender, (body if index == 0 else {}) | album | spoken, media=item, reply_to=reply_to
        )
        announce(world, "message", sent)
        messages.append(message_view(world, sent))
        update_ids.append(deliver_message(world, sent, "message"))
    return {"message": messages[0], "messages": messages, "update_id": update_ids[0], "update_ids": update_ids}


def _told(fields: Fields) -> dict[str, Any]:
    """What an app tells of a film, a song, a voice or a sticker."""
    words = {name: fields.text(name) for name in ("performer", "title", "emoji") if fields.has(name)}
    return words | {name: fields.integer(name) for name in TELLING if fields.has(name)}


def _limited(text: str, name: str, most: int) -> FormattedText:
    found = formatted(text)
    if utf16_length(found.text) > most:
        raise SimError(400, f"{name} is longer than {most} characters; a client would not send it")
    return found


def _replied(world: World, chat: Chat, fields: Fields) -> int | None:
    reply_to = fields.optional_integer("reply_to")
    if reply_to is not None and world.find_message(chat, reply_to) is None:
        raise SimError(404, f"there is no message {reply_to} to reply to")
    return reply_to


def _thread(world: World, chat: Chat, fields: Fields, reply_to: int | None) -> dict[str, Any]:
    """The topic that a message goes to: the one it names, else that of the message it answers."""
    replied = world.find_message(chat, reply_to)
    thread = fields.optional_integer("thread") or (replied.body.get("message_thread_id") if replied else None)
    if thread is None:
        return {}
    if str(thread) not in chat.topics:
        raise SimError(404, f"there is no topic {thread}")
    return {"message_thread_id": thread, "is_topic_message": True}


async def edit(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/edit"""
    person = person_of(world, fields)
    chat = known_chat(world, bot_of(world, fields), fields.integer("chat", default=person.id))
    message = world.find_message(chat, fields.integer("message_id"))
    if message is None:
        raise SimError(404, "there is no such message")
    if message.sender["id"] != person.id:
        raise SimError(403, "people edit their own messages only")
    _rewrite(message, fields)
    world.save_message(message)
    announce(world, "edit", message)
    return {"message": message_view(world, message), "update_id": deliver_message(world, message, "edited_message")}


def _rewrite(message: Message, fields: Fields) -> None:
    name, most = ("text", MAX_TEXT) if message.media is None else ("caption", MAX_CAPTION)
    entities = "entities" if name == "text" else "caption_entities"
    changed = _limited(fields.text(name), name, most)
    if name == "text" and not changed.text:
        raise SimError(400, "text is empty")
    kept = {key: value for key, value in message.body.items() if key not in (name, entities)}
    message.body = kept | changed.fields(name, entities) | {"edit_date": int(time.time())}
    message.edits += 1
