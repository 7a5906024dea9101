"""Answers to button presses and inline queries."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.files import Media
from bot.playground.methods.call import Call, caption_of, method, text_of
from bot.playground.methods.keyboards import inline_keyboard
from bot.playground.records import Bot, Chat, Message
from bot.playground.views import announce
from bot.playground.world import World

CACHED = {
    "photo_file_id": "photo",
    "document_file_id": "document",
    "video_file_id": "video",
    "gif_file_id": "animation",
    "mpeg4_file_id": "animation",
    "audio_file_id": "audio",
    "voice_file_id": "voice",
    "sticker_file_id": "sticker",
}


@method("answerCallbackQuery")
async def answer_callback_query(call: Call) -> Any:
    answer = {"text": call.get("text"), "alert": call.get("show_alert", False), "url": call.get("url")}
    if answer["url"] is not None and not answer["url"].startswith(("https://t.me/", "tg://")):
        raise bad_request("URL_INVALID")
    query = call.world.queries.answer("callback", call.bot.id, call.params["callback_query_id"], answer)
    chat = call.world.chats.get(query.chat or "")
    call.world.events.publish(
        "callback_answer",
        {
            "chat": chat.id if chat else None,
            "bot": call.bot.id,
            "message_id": query.message_id,
            "user": query.user_id,
            "query_id": query.id,
            **answer,
        },
    )
    return True


@method("answerWebAppQuery")
async def answer_web_app_query(call: Call) -> Any:
    result = call.params["result"]
    _check_result(call, result)
    body, media = content_of(call.world, call.bot, result)
    query = call.world.queries.answer("web_app", call.bot.id, call.params["web_app_query_id"], {})
    message = post_result(call.world, call.world.chats[query.chat or ""], query.user_id, call.bot, result, body, media)
    return {"inline_message_id": message.inline_message_id} if message.inline_message_id else {}


def content_of(world: World, bot: Bot, result: dict[str, Any]) -> tuple[dict[str, Any], Media | None]:
    """Body and file of the message that a result becomes; raises ApiError for what lies on the internet."""
    content = result.get("input_message_content")
    if content is not None:
        if "message_text" not in content:
            raise bad_request("the playground posts texts and cached files only")
        return text_of(content, "message_text").fields("text", "entities"), None
    for name, kind in CACHED.items():
        if name in result:
            return caption_of(result).fields("caption", "caption_entities"), world.files.media_of(
                bot.id, result[name], kind
            )
    raise bad_request("this result points to the internet, from where the playground fetches nothing")


def post_result(
    world: World, chat: Chat, user_id: int, bot: Bot, result: dict[str, Any], body: dict[str, Any], media: Media | None
) -> Message:
    """A person posts the result of a bot; with a keyboard the bot may edit it by its inline_message_id."""
    inline_id = secrets.token_urlsafe(18) if result.get("reply_markup") else None
    body |= {"via_bot": bot.as_user()} | ({"reply_markup": result["reply_markup"]} if inline_id else {})
    sender = world.people[user_id].as_user()
    message = world.add_message(chat, sender, body, media=media, inline_message_id=inline_id)
    announce(world, "message", message)
    return message


@method("answerInlineQuery")
async def answer_inline_query(call: Call) -> Any:
    results = call.params["results"]
    if len(results) > 50:
        raise bad_request("RESULTS_TOO_MUCH")
    if len({it["id"] for it in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    for result in results:
        _check_result(call, result)
    answer = {
        "results": results,
        "next_offset": call.get("next_offset", ""),
        "button": call.get("button"),
        "cache_time": call.get("cache_time", 300),
        "is_personal": call.get("is_personal", False),
    }
    call.world.queries.answer("inline", call.bot.id, call.params["inline_query_id"], answer)
    return True


def _check_result(call: Call, result: dict[str, Any]) -> None:
    if not 1 <= len(result["id"].encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    inline_keyboard(result.get("reply_markup"), None)
    content = result.get("input_message_content")
    if content is not None and "message_text" in content:
        text_of(content, "message_text")
    caption_of(result)
    for name, kind in CACHED.items():
        if name in result:
            call.world.files.media_of(call.bot.id, result[name], kind)
