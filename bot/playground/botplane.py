"""The Bot API plane: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.errors import ApiError, bad_request
from bot.playground.faults import Fault, FaultPlan
from bot.playground.methods import METHODS, Call
from bot.playground.records import Bot
from bot.playground.request import Upload, read_call
from bot.playground.schema import bot_api
from bot.playground.validate import check_call
from bot.playground.world import World

TOKEN = re.compile(r"(?P<id>\d{1,15}):(?P<secret>[A-Za-z0-9_-]+)")
REMEMBERED_CALLS = 5000
DROPPED = 0  # the status of a call whose connection was closed on purpose

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    status: int
    envelope: dict[str, Any]
    ignored: tuple[str, ...] = ()  # fields of the request that were passed over


def refused(error: ApiError) -> Outcome:
    return Outcome(error.code, error.envelope())


class BotPlane:
    def __init__(self, world: World, strict: bool) -> None:
        self.world = world
        self.strict = strict
        self.faults = FaultPlan()
        self.calls: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_CALLS)
        self.last_call = 0
        self.canonical = {name.lower(): name for name in bot_api().methods}
        self.performing: set[asyncio.Task[Outcome]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/file/bot{token}/{path:.+}", self.file),
            web.route("*", "/bot{token}/{method}", self.call),
        ]

    def bot_of(self, token: str) -> Bot:
        parts = TOKEN.fullmatch(token)
        bot = self.world.connect(int(parts["id"]), parts["secret"]) if parts else None
        if bot is None:
            raise ApiError(401, "Unauthorized")
        return bot

    async def file(self, request: web.Request) -> web.StreamResponse:
        try:
            self.bot_of(request.match_info["token"])
        except ApiError as refusal:
            return web.json_response(refusal.envelope(), status=refusal.code)
        stored = self.world.files.by_path.get(request.match_info["path"])
        if stored is None:
            return web.json_response(ApiError(404, "Not Found").envelope(), status=404)
        return web.Response(body=self.world.files.content(stored), content_type="application/octet-stream")

    async def call(self, request: web.Request) -> web.StreamResponse:
        try:
            bot = self.bot_of(request.match_info["token"])
            raw, uploads = await read_call(request)
        except ApiError as refusal:
            return web.json_response(refusal.envelope(), status=refusal.code)
        asked = request.match_info["method"]
        outcome = await self._undisturbed(bot, self.canonical.get(asked.lower(), asked), raw, uploads)
        if outcome.status == DROPPED:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.json_response(outcome.envelope, status=outcome.status)

    async def _undisturbed(self, bot: Bot, method: str, raw: dict[str, Any], uploads: dict[str, Upload]) -> Outcome:
        """A client that hangs up ends its poll, but does not undo anything else it asked for."""
        if method == "getUpdates":
            return await self.answer(bot, method, raw, uploads)
        task = asyncio.ensure_future(self.answer(bot, method, raw, uploads))
        self.performing.add(task)
        task.add_done_callback(self.performing.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Let calls that are being performed come to their end."""
        self.faults.clear()
        await asyncio.gather(*self.performing, return_exceptions=True)

    async def answer(self, bot: Bot, method: str, raw: dict[str, Any], uploads: dict[str, Upload]) -> Outcome:
        """Perform one call, planned faults included, and write it down."""
        began, started = time.time(), time.perf_counter()
        fault = self.faults.strike(method, raw.get("chat_id"))
        if fault is not None:
            self.world.events.publish("fault", {"fault": fault.view()})
        outcome = await self._struck(fault) if fault is not None and fault.when == "before" else None
        if outcome is None:
            outcome = await self._perform(Call(self.world, bot, method, raw, uploads))
        if fault is not None and fault.when == "after":
            outcome = await self._struck(fault) or outcome
        self._record(bot, method, raw, uploads, outcome, fault, began, 1000 * (time.perf_counter() - started))
        return outcome

    async def _struck(self, fault: Fault) -> Outcome | None:
        """What becomes of a call when its delay has passed; None where it only comes late."""
        if fault.delay:
            await self.faults.hold_up(fault)
        if fault.drop:
            return Outcome(DROPPED, {"ok": False, "description": "connection dropped"})
        refusal = fault.refusal()
        return refused(refusal) if refusal else None

    async def _perform(self, call: Call) -> Outcome:
        try:
            if call.method not in bot_api().methods:
                raise ApiError(404, "Not Found: method not found")
            if call.method not in METHODS:
                raise bad_request(f"method {call.method} is not supported by the playground")
            checked = check_call(call.method, call.params, call.uploads, self.strict)
            typed = Call(call.world, call.bot, call.method, checked.params, call.uploads)
            result = await METHODS[call.method](typed)
            return Outcome(200, {"ok": True, "result": result}, tuple(checked.ignored))
        except ApiError as refusal:
            return refused(refusal)
        except Exception:
            logger.exception("%s failed inside the playground", call.method)
            return refused(ApiError(500, "Internal Server Error: the playground failed, see its log"))

    def _record(
        self,
        bot: Bot,
        method: str,
        raw: dict[str, Any],
        uploads: dict[str, Upload],
        outcome: Outcome,
        fault: Fault | None,
        began: float,
        milliseconds: float,
    ) -> None:
        self.last_call += 1
        record = {
            "id": self.last_call,
            "time": began,
            "ms": round(milliseconds, 2),
            "bot": bot.id,
            "method": method,
            "params": _readable(raw, uploads),
            "ignored": list(outcome.ignored),
            "status": outcome.status,
            "ok": outcome.envelope["ok"],
            "error": outcome.envelope.get("description"),
            "result": outcome.envelope.get("result"),
            "fault": fault.id if fault else None,
        }
        self.calls.append(record)
        if method != "getUpdates" or record["result"] != []:
            self.world.events.publish("call", {"call": record})


def _readable(raw: Mapping[str, Any], uploads: Mapping[str, Upload]) -> dict[str, Any]:
    """Parameters as a person wants to read them: JSON decoded, files as name, size and sha256."""

    def shown(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("attach://"):
            upload = uploads.get(value.removeprefix("attach://"))
            return upload.summary() if upload else value
        if isinstance(value, list):
            return [shown(it) for it in value]
        return {key: shown(it) for key, it in value.items()} if isinstance(value, dict) else value

    def decoded(value: Any) -> Any:
        if not isinstance(value, str) or value[:1] not in ("{", "["):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value

    fields = {name: shown(value if name in ("text", "caption") else decoded(value)) for name, value in raw.items()}
    named = {name: it.summary() for name, it in uploads.items() if f"attach://{name}" not in str(raw)}
    return fields | named
