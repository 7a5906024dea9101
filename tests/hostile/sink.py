"""A Bot API server that hands out whatever text it is given for updates and takes every answer; chats all exist."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

ME = {"id": 123456, "is_bot": True, "first_name": "Studio", "username": "studio_bot"}


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 40, 40)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Sink:
    """`pending` are updates by number; `again` such as come once, when all up to a number are confirmed; `answers`
    counts what was said to each chat and press."""

    pending: dict[int, str] = field(default_factory=dict)
    again: list[tuple[int, str]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _picture: bytes = field(default_factory=_picture)
    _messages: int = 0

    async def start(self) -> TestServer:
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        application.router.add_get("/file/{path:.*}", self._file)
        server = TestServer(application)
        await server.start_server()
        return server

    def put(self, number: int, text: str, *, once: bool = False) -> None:
        """An update to hand out until its number is confirmed; `once` after that number, where it has none of its own
        or has been handed out before."""
        if once:
            self.again.append((number, text))
        else:
            self.pending[number] = text
        self.arrived.set()

    async def _file(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._picture)

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        fields: dict[str, Any] = dict(await request.post())
        if method == "getUpdates":
            return await self._updates(fields)
        self.calls[method] += 1
        chat = fields.get("chat_id")
        if method.startswith(("send", "edit")):
            self.answers[f"chat {chat}"] += 1
        if "callback_query_id" in fields:
            self.answers[f"press {fields['callback_query_id']}"] += 1
        return web.json_response({"ok": True, "result": self._result(method, fields)})

    def _result(self, method: str, fields: dict[str, Any]) -> Any:
        if method == "getMe":
            return ME
        if method == "getFile":
            return {"file_id": "x", "file_unique_id": "x", "file_path": "x.png", "file_size": len(self._picture)}
        if method == "sendMediaGroup":
            return [self._message(fields) for _media in json.loads(fields["media"])]
        if method.startswith(("send", "edit")) and method != "sendChatAction":
            return self._message(fields)
        return True

    def _message(self, fields: dict[str, Any]) -> dict[str, Any]:
        self._messages += 1
        chat = int(fields.get("chat_id") or 1)
        return {
            "message_id": self._messages,
            "date": 0,
            "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup"},
            "from": ME,
            "text": fields.get("text") or "",
        }

    async def _updates(self, fields: dict[str, Any]) -> web.Response:
        offset = int(fields.get("offset") or 0)
        for place in [place for place in self.pending if place < offset]:
            del self.pending[place]
        if not self.pending and not self.again:
            self.arrived.clear()
            timeout = min(float(fields.get("timeout") or 0), 1.0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.arrived.wait(), timeout)
        first = next(iter(self.pending), math.inf)
        batch = [text for number, text in self.again if number < first]
        self.again = [(number, text) for number, text in self.again if number >= first]
        batch += islice(self.pending.values(), int(fields.get("limit") or 100))
        return web.Response(text=f'{{"ok":true,"result":[{",".join(batch)}]}}', content_type="application/json")
