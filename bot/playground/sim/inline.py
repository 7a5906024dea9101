"""Inline mode: a person types after the bot's name, and posts one of its results."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import SimError
from bot.playground.methods.answers import content_of, post_result
from bot.playground.queries import Query
from bot.playground.sim.acting import answered
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of, chat_of, deliver_message, person_of
from bot.playground.views import message_view
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
    body, media = content_of(world, bot, result)
    chat = chat_of(world, fields, person)
    message = post_result(world, chat, person.id, bot, result, body, media)
    inline_id = message.inline_message_id
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
