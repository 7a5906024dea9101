"""Web apps: the address under which a client opens one, signed for the bot, and what the app sends back."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote, urlencode

from bot.playground.errors import SimError
from bot.playground.records import Bot, Chat, Message, Person
from bot.playground.sim.fields import Fields
from bot.playground.sim.people import bot_of, chat_of, deliver_message, known_chat, person_of
from bot.playground.views import announce, message_view
from bot.playground.world import World

VERSION = "9.1"
THEME = {"bg_color": "#ffffff", "text_color": "#000000", "button_color": "#5a55d2", "button_text_color": "#ffffff"}


def opened(world: World, bot: Bot, person: Person, chat: Chat, url: str, may_answer: bool) -> str:
    """The address of a web app with the data it starts with; `may_answer`: the bot may post a message for it."""
    about: dict[str, Any] = {"id": person.id, "first_name": person.name.partition(" ")[0]}
    about |= {"last_name": person.name.partition(" ")[2], "allows_write_to_pm": True}
    about |= {"username": person.username} if person.username else {}
    about |= {"language_code": person.language} if person.language else {}
    data = {"user": json.dumps(about, ensure_ascii=False, separators=(",", ":")), "auth_date": str(int(time.time()))}
    if may_answer:
        data["query_id"] = world.queries.ask("web_app", bot.id, person.id, chat=chat.key).id
    started = {
        "tgWebAppData": urlencode(data | {"hash": signature(world.token_of(bot), data)}, quote_via=quote),
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": "web",
        "tgWebAppThemeParams": json.dumps(THEME),
    }
    return f"{url}{'&' if '#' in url else '#'}{urlencode(started, quote_via=quote)}"


def signature(token: str, data: dict[str, str]) -> str:
    """As core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app says."""
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    lines = "\n".join(f"{name}={data[name]}" for name in sorted(data))
    return hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()


async def open_by_keyboard(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/webapp: a button of the answer keyboard."""
    person, bot = person_of(world, fields), bot_of(world, fields)
    chat = known_chat(world, bot, person.id)
    return {"url": opened(world, bot, person, chat, _keyboard_app(world, chat, fields), may_answer=False)}


async def send_data(world: World, fields: Fields) -> dict[str, Any]:
    """POST /sim/webapp/data: what an app that was opened by the answer keyboard sends to the bot."""
    person, data = person_of(world, fields), fields.text("text")
    if not 1 <= len(data.encode()) <= 4096:
        raise SimError(400, "text has 1 to 4096 bytes")
    chat = chat_of(world, fields, person)
    _keyboard_app(world, chat, fields)
    body = {"web_app_data": {"data": data, "button_text": fields.text("button")}}
    notice = f"{person.name} sent data by “{fields.text('button')}”"
    message = world.add_message(chat, person.as_user(), body, notice=notice)
    announce(world, "message", message)
    return {"message": message_view(world, message), "update_id": deliver_message(world, message, "message")}


def _keyboard_app(world: World, chat: Chat, fields: Fields) -> str:
    """The address behind a button of the latest answer keyboard."""
    wanted = fields.text("button")
    told: list[Message] = [it for it in world.messages[chat.key].values() if it.keyboard and not it.deleted]
    rows = (told[-1].keyboard or {}).get("keyboard", []) if told else []
    for button in (it for row in rows for it in row):
        if isinstance(button, dict) and button["text"] == wanted and "web_app" in button:
            return str(button["web_app"]["url"])
    raise SimError(404, f"there is no button {wanted!r} that opens a web app")
