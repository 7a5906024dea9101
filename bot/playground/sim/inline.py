"""Inline mode: a person types after the bot's name, and posts one of its results."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.errors import SimError
from bot.playground.files import Media
from bot.playground.methods.answers import CACHED
from bot.playground.methods.call import caption_of, text_of
from bot.playground.queries import Query
from bot.playground.records import Bot
from bot.playground.sim.acting import answered
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of, chat_of, deliver_message, person_of
from bot.playground.views import announce, message_view
from bot.playground.world import World

UNANSWERED = {"results": None, "next_offset": "", "button": None, "cache_time": 0, "is_personal": False}


async def ask(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/inline"""
    person, bot = person_of(world, fields), bot_of(world, fields)
    text = fields.text("query", "")
    if len(text) > 256:
        raise SimError(400, "a query has at most 256 characters")
    query = world.queries.ask("inline", bot.id, person.id, text=text)
    body = {
        "id": query.id,
        "from": person.as_user(),
        "query": text,
        "offset": fields.text("offset", ""),
        "chat_type": fields.text("chat_type", "sender"),
    }
    update_id = world.deliver(bot.id, "inline_query", body, f"inline {person.id}")
    return {"query_id": query.id, "update_id": update_id, **(await answered(query, fields) or UNANSWERED)}


async def choose(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/inline/choose"""
    person = person_of(world, fields)
    query = world.queries.open.get(fields.text("query_id"))
    if query is None or query.kind != "inline" or query.user_id != person.id or not query.answer.done():
        raise SimError(404, "there is no such answered query of this person")
    result = _result(query, fields.text("result_id"))
    bot = world.bots[query.bot_id]
    body, media = _content(world, bot, result)
    chat = chat_of(world, fields, person)
    inline_id = secrets.token_urlsafe(18) if result.get("reply_markup") else None
    body |= {"via_bot": bot.as_user()} | ({"reply_markup": result["reply_markup"]} if inline_id else {})
    message = world.add_message(chat, person.as_user(), body, media=media, inline_message_id=inline_id)
    announce(world, "message", message)
    chosen: dict[str, Any] = {"result_id": result["id"], "from": person.as_user(), "query": query.text}
    chosen |= {"inline_message_id": inline_id} if inline_id else {}
    update_id = world.deliver(bot.id, "chosen_inline_result", chosen, f"inline {person.id}")
    if bot.id in chat.bots:
        deliver_message(world, message, "message")
    return {"message": message_view(world, message), "update_id": update_id}


def _result(query: Query, result_id: str) -> dict[str, Any]:
    results: list[dict[str, Any]] = query.answer.result()["results"]
    for result in results:
        if result["id"] == result_id:
            return result
    raise SimError(404, f"no result {result_id!r}; there are: {', '.join(it['id'] for it in results)}")


def _content(world: World, bot: Bot, result: dict[str, Any]) -> tuple[dict[str, Any], Media | None]:
    content = result.get("input_message_content")
    if content is not None:
        if "message_text" not in content:
            raise SimError(409, "the playground posts texts and cached files only")
        return text_of(content, "message_text").fields("text", "entities"), None
    for name, kind in CACHED.items():
        if name in result:
            media = world.files.media_of(bot.id, result[name], kind)
            return caption_of(result).fields("caption", "caption_entities"), media
    raise SimError(409, "this result points to the internet, from where the playground fetches nothing")
