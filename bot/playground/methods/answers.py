"""Answers to button presses and inline queries."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import bad_request
from bot.playground.methods.call import Call, caption_of, method, text_of
from bot.playground.methods.keyboards import inline_keyboard

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
