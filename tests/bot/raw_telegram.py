"""A Bot API server that hands out updates as the very text they are given in, be it JSON or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.bot.wire import TOKEN


@dataclass
class RawTelegram:
    """`pending` are the updates by number that have not been confirmed; `offsets` what was asked for."""

    pending: dict[int, str] = field(default_factory=dict)
    offsets: list[int | None] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    async def start(self) -> TestServer:
        application = web.Application(client_max_size=1 << 26)
        application.router.add_post(f"/bot{TOKEN}/{{method}}", self._call)
        server = TestServer(application)
        await server.start_server()
        return server

    async def _call(self, request: web.Request) -> web.Response:
        fields = await request.post()
        if request.match_info["method"].lower() != "getupdates":
            self.sent.append(str(fields.get("text")))
            return web.json_response({"ok": True, "result": True})
        offset = int(str(fields["offset"])) if "offset" in fields else None
        self.offsets.append(offset)
        self.pending = {id_: text for id_, text in self.pending.items() if offset is None or id_ >= offset}
        batch = [text for _id, text in sorted(self.pending.items())][: int(str(fields.get("limit", 100)))]
        if not batch:
            await asyncio.sleep(0.02)
        return web.Response(text=f'{{"ok":true,"result":[{",".join(batch)}]}}', content_type="application/json")
