"""Button presses and inline queries that wait for the bot's answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from bot.playground.errors import ApiError, bad_request

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def too_old() -> ApiError:
    return bad_request(TOO_OLD)


@dataclass
class Query:
    """One press or inline query; `answer` is set once, by answerCallbackQuery or answerInlineQuery."""

    id: str
    kind: str  # callback, inline, web_app
    bot_id: int
    user_id: int
    chat: str | None = None
    message_id: int | None = None
    text: str = ""
    created: float = field(default_factory=time.monotonic)
    answer: asyncio.Future[dict[str, Any]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class QueryDesk:
    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime  # seconds a query may be answered
        self.open: dict[str, Query] = {}

    def ask(self, kind: str, bot_id: int, user_id: int, **about: Any) -> Query:
        for stale in [key for key, it in self.open.items() if self._is_old(it) and it.kind == "callback"]:
            del self.open[stale]
        query = Query(str(secrets.randbits(62)), kind, bot_id, user_id, **about)
        self.open[query.id] = query
        return query

    def answer(self, kind: str, bot_id: int, query_id: str, answer: dict[str, Any]) -> Query:
        """Hand the bot's answer to whoever waits; an unknown, old or already answered query is refused."""
        query = self.open.get(query_id)
        if query is None or (query.kind, query.bot_id) != (kind, bot_id) or query.answer.done() or self._is_old(query):
            raise too_old()
        query.answer.set_result(answer)
        return query

    def _is_old(self, query: Query) -> bool:
        # A web app may stay open as long as somebody works in it.
        return query.kind != "web_app" and time.monotonic() - query.created > self.lifetime
