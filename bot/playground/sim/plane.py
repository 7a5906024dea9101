"""Routes of the user plane."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.playground.errors import ApiError, SimError
from bot.playground.events import Event
from bot.playground.sim import acting, forwarding, inline, looking, polls, trouble, webapps, writing
from bot.playground.sim.fields import Fields, read_fields
from bot.playground.world import World

if TYPE_CHECKING:
    from bot.playground.botplane import BotPlane

KEEP_OPEN = 15.0  # seconds without news until a comment goes out, so that nobody takes the line for dead

Answer = dict[str, Any]
Act = Callable[[World, Fields], Awaitable[Answer]]

ACTS: dict[str, Act] = {
    "message": writing.message,
    "edit": writing.edit,
    "forward": forwarding.forward,
    "press": acting.press,
    "react": acting.react,
    "stop": acting.stop,
    "topic": acting.topic,
    "vote": polls.vote,
    "webapp": webapps.open_by_keyboard,
    "webapp/data": webapps.send_data,
    "user": acting.user,
    "chat": acting.chat,
    "inline": inline.ask,
    "inline/choose": inline.choose,
}


class SimPlane:
    def __init__(self, world: World, bots: BotPlane) -> None:
        self.world = world
        self.bots = bots
        self.closing = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        acts = [web.post(f"/sim/{path}", self._act(act)) for path, act in ACTS.items()]
        trouble_acts = [
            web.post("/sim/faults", self._trouble(trouble.add_fault)),
            web.delete("/sim/faults", self._trouble(trouble.clear_faults)),
            web.post("/sim/redeliver", self._trouble(trouble.redeliver)),
            web.post("/sim/reset", self._trouble(trouble.reset)),
        ]
        looks = [web.get(f"/sim/{path}", self._look(look)) for path, look in looking.LOOKS.items()]
        streams = [web.get("/sim/events", self.events), web.get("/sim/file/{id}/{name}", self.file)]
        return [*acts, *trouble_acts, *looks, *streams]

    def _act(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response({"ok": True, **await act(self.world, await read_fields(request))})
            except (SimError, ApiError) as refusal:
                return _refused(refusal)

        return handle

    def _trouble(self, act: trouble.Trouble) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response({"ok": True, **act(self.world, self.bots, await read_fields(request))})
            except (SimError, ApiError) as refusal:
                return _refused(refusal)

        return handle

    def _look(self, look: looking.Look) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response({"ok": True, **look(self.world, self.bots, Fields(request.query))})
            except SimError as refusal:
                return _refused(refusal)

        return handle

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Bytes for the page. Only pictures are shown in place: a document of a bot must not run as a page of ours."""
        stored = self.world.files.files.get(request.match_info["id"])
        if stored is None:
            return _refused(SimError(404, "no such file"))
        shown = stored.mime_type in ("image/jpeg", "image/png", "image/webp", "image/gif")
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=86400"}
        headers |= {"Content-Security-Policy": "sandbox; default-src 'none'"}
        headers |= {} if shown else {"Content-Disposition": "attachment"}
        content_type = stored.mime_type if shown and stored.mime_type else "application/octet-stream"
        return web.Response(body=self.world.files.content(stored), content_type=content_type, headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events; `Last-Event-ID` or `?after=` replays what was missed."""
        fields = Fields({"after": request.headers.get("Last-Event-ID") or request.query.get("after")})
        try:
            after = fields.optional_integer("after")
        except SimError as refusal:
            return _refused(refusal)
        stream = self.world.events
        queue = stream.subscribe(after)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        closed = asyncio.ensure_future(self.closing.wait())
        try:
            await response.prepare(request)
            await response.write(f'event: hello\ndata: {{"last_id": {stream.last_id}}}\n\n'.encode())
            writing_on = asyncio.ensure_future(self._write_events(response, queue))
            try:
                await asyncio.wait({closed, writing_on}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                writing_on.cancel()
                await asyncio.gather(writing_on, return_exceptions=True)
        finally:
            closed.cancel()
            stream.unsubscribe(queue)
        return response

    async def _write_events(self, response: web.StreamResponse, queue: asyncio.Queue[Event]) -> None:
        while not self.world.events.is_behind(queue):
            try:
                event = await asyncio.wait_for(queue.get(), KEEP_OPEN)
            except TimeoutError:
                await response.write(b": still here\n\n")
            else:
                await response.write(event.as_bytes())


def _refused(refusal: SimError | ApiError) -> web.Response:
    status = refusal.status if isinstance(refusal, SimError) else refusal.code
    return web.json_response({"ok": False, "error": str(refusal)}, status=status)
